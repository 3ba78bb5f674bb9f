// Package command is the command log: the definitions of a service, in the order in which they were made.
//
// The log is one partition of a Kafka topic. A statement that defines something becomes one Command; servers apply the
// commands in offset order, so all of them hold the same catalog. Replay never parses or analyses: a command carries plans
// and definitions ready to use, and the text only to be shown.
//
// Writers take turns. One fences the others by the log's transactional id, reads to the end, checks its statement against
// the catalog as it then is, appends, and commits; what it wrote takes effect when it is read back.
package command

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/millrace/millrace/engine/topology"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
)

// FormatVersion is the version of a command's bytes. Every version that was released stays readable. Fields that this release does not know
// are passed over: whoever adds one that changes what is computed raises the version, for the commands that have it.
const FormatVersion = 3

// Command is one statement's lasting effect, all or nothing.
type Command struct {
	Format  int      `json:"format"`
	Text    string   `json:"text,omitempty"`
	Changes []Change `json:"changes"`
}

// Kind tells what a Change does.
type Kind string

// The kinds of change. Service is the first command of a log and fixes what may never change.
const (
	Service     Kind = "service"
	PutSource   Kind = "put-source"
	DropSource  Kind = "drop-source"
	PutType     Kind = "put-type"
	DropType    Kind = "drop-type"
	PutQuery    Kind = "put-query"
	DropQuery   Kind = "drop-query"
	PauseQuery  Kind = "pause-query"
	ResumeQuery Kind = "resume-query"
	PutModel    Kind = "put-model"
	DropModel   Kind = "drop-model"
	// Since format 2 a model has versions: PutModel adds one.
	RollOut          Kind = "roll-out-model"
	DropModelVersion Kind = "drop-model-version"
	RefuseModel      Kind = "refuse-model"
	PutFunction      Kind = "put-function" // adds a version
	DropFunction     Kind = "drop-function"
)

// Change is one part of a Command. The field that belongs to Kind is set; drops, PauseQuery and ResumeQuery use Name alone.
type Change struct {
	Kind   Kind            `json:"kind"`
	Name   string          `json:"name,omitempty"`
	Slots  int             `json:"slots,omitempty"`
	Source *catalog.Source `json:"source,omitempty"`
	Type   *types.Type     `json:"type,omitempty"`
	Query  *Query          `json:"query,omitempty"`
	// Model is a version to add; Version the one to drop of the model Name; Rollout what holds for it from now on.
	Model   *catalog.ModelVersion `json:"model,omitempty"`
	Version int                   `json:"version,omitempty"`
	Rollout *catalog.Rollout      `json:"rollout,omitempty"`
	Refusal *catalog.Refusal      `json:"refusal,omitempty"` // of a record that feeds the model Name
	// Function is a version to add.
	Function *catalog.FunctionVersion `json:"function,omitempty"`
	DropAll  bool                     `json:"deleteTopic,omitempty"` // DROP ... DELETE TOPIC
}

// Query is a persistent query as stored.
type Query struct {
	ID        string            `json:"id"`
	Statement string            `json:"statement"`
	Sources   []string          `json:"sources"`
	Sink      string            `json:"sink,omitempty"`
	Plan      json.RawMessage   `json:"plan"`
	Props     map[string]string `json:"props,omitempty"`
	// Incarnation names the query's state, topics and positions where ID does not do: an id that people choose may come again
	// after a drop. Empty: ID.
	Incarnation string `json:"incarnation,omitempty"`
	// Models is an offset of the command log: the query begins with the models as the commands below it left them.
	Models int64 `json:"models,omitempty"`
	// Kept are earlier such offsets, for rows that may be taken back; nil: there are none. Since format 3.
	Kept *Kept `json:"kept,omitempty"`
	// Start holds where reading begins, by source topic and partition, resolved when the query was made: what comes
	// later is read whichever server starts it, and whenever.
	Start map[string][]int64 `json:"start"`
	// IDs are the names of the query's stores and topics. Commands of releases that did not note them have none; their names are made of the
	// plan's ids, as they were then.
	IDs *topology.IDs `json:"ids,omitempty"`
}

// Kept says how models and functions stay, by name, on rows that may be taken back: as the commands below an offset left them when this query,
// or one whose state it took over, first used them there. What was added must be taken back as it was.
type Kept struct {
	Models    map[string]int64 `json:"models,omitempty"`
	Functions map[string]int64 `json:"functions,omitempty"`
}

// format is the first version that has all that the command says: earlier releases read it as long as they can.
func (c *Command) format() int {
	for i := range c.Changes {
		if q := c.Changes[i].Query; q != nil && q.Kept != nil {
			return 3
		}
	}
	return 2
}

// Marshal gives the bytes to append.
func (c *Command) Marshal() ([]byte, error) {
	c.Format = c.format()
	b, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encode command %q: %w", c.Text, err)
	}
	return b, nil
}

// Unmarshal reads a command. A version or kind that this release does not know is an error: a server that cannot read a
// record must stop there rather than go on without it.
func Unmarshal(b []byte) (*Command, error) {
	var head struct { // alone: a later format may have other forms of the rest
		Format int `json:"format"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return nil, fmt.Errorf("decode command: %w", err)
	}
	if head.Format < 1 {
		return nil, fmt.Errorf("decode command: it has no format version")
	}
	if head.Format > FormatVersion {
		return nil, fmt.Errorf("decode command: it has format %d, and this release reads up to %d: a later release wrote it, run that one", head.Format, FormatVersion)
	}
	var c Command
	if err := json.Unmarshal(b, &c); err != nil {
		return nil, fmt.Errorf("decode command: %w", err)
	}
	for i := range c.Changes {
		if err := c.Changes[i].check(); err != nil {
			return nil, fmt.Errorf("decode command: change %d: %w", i, err)
		}
	}
	return &c, nil
}

func (ch *Change) check() error {
	var missing bool
	switch ch.Kind {
	case Service:
		missing = ch.Slots <= 0
	case PutSource:
		missing = ch.Source == nil
	case PutType:
		missing = ch.Type == nil || ch.Name == ""
	case PutQuery:
		missing = ch.Query == nil
	case PutModel:
		missing = ch.Model == nil
	case RollOut:
		missing = ch.Rollout == nil || ch.Name == ""
	case RefuseModel:
		missing = ch.Refusal == nil || ch.Name == ""
	case PutFunction:
		missing = ch.Function == nil || ch.Function.Returns == nil
	case DropModelVersion:
		missing = ch.Version == 0 || ch.Name == ""
	case DropSource, DropType, DropQuery, PauseQuery, ResumeQuery, DropModel, DropFunction:
		missing = ch.Name == ""
	default:
		return fmt.Errorf("unknown kind %q", ch.Kind)
	}
	if missing {
		return fmt.Errorf("%s lacks its object", ch.Kind)
	}
	return nil
}

// Models lists the models that the command changes.
func (c *Command) Models() []string {
	var names []string
	for i := range c.Changes {
		switch ch := &c.Changes[i]; ch.Kind {
		case PutModel:
			names = append(names, ch.Model.Name)
		case DropModel, RollOut, DropModelVersion:
			names = append(names, ch.Name)
		}
	}
	return names
}

// DefinesFunctions says whether the command changes what functions there are.
func (c *Command) DefinesFunctions() bool {
	return slices.ContainsFunc(c.Changes, func(ch Change) bool { return ch.Kind == PutFunction || ch.Kind == DropFunction })
}

// Apply returns the catalog after the command, which has the offset.
func (c *Command) Apply(cat *catalog.Catalog, offset int64) (*catalog.Catalog, error) {
	var err error
	for i := range c.Changes {
		ch := &c.Changes[i]
		switch ch.Kind {
		case PutSource:
			cat = cat.WithSource(ch.Source)
		case DropSource:
			cat = cat.WithoutSource(ch.Name)
		case PutType:
			cat = cat.WithType(ch.Name, ch.Type)
		case DropType:
			cat = cat.WithoutType(ch.Name)
		case PutQuery:
			q, err := ch.Query.Definition()
			if err != nil {
				return nil, err
			}
			cat = cat.WithQuery(q)
		case DropQuery:
			cat = cat.WithoutQuery(ch.Name)
		case PutModel:
			cat = cat.WithModelVersion(ch.Model, offset)
		case DropModel:
			cat = cat.WithoutModel(ch.Name)
		case PutFunction:
			cat = cat.WithFunctionVersion(ch.Function, offset)
		case DropFunction:
			cat = cat.WithoutFunction(ch.Name)
		case RollOut:
			cat, err = cat.WithRollout(ch.Name, ch.Rollout, offset)
		case RefuseModel:
			cat, err = cat.WithRefusal(ch.Name, ch.Refusal)
		case DropModelVersion:
			cat, err = cat.WithoutModelVersion(ch.Name, ch.Version)
		case Service, PauseQuery, ResumeQuery: // no definition changes
		}
		if err != nil {
			return nil, err
		}
	}
	return cat, nil
}

// Runs is the name under which the query keeps state; no other query of the service ever has it.
func (q *Query) Runs() string {
	if q.Incarnation != "" {
		return q.Incarnation
	}
	return q.ID
}

// Definition decodes the stored plan.
func (q *Query) Definition() (*catalog.Query, error) {
	node, err := plan.Unmarshal(q.Plan)
	if err != nil {
		return nil, fmt.Errorf("query %s: %w", q.ID, err)
	}
	return &catalog.Query{ID: q.ID, Statement: q.Statement, Sources: q.Sources, Sink: q.Sink, Plan: node, Props: q.Props}, nil
}
