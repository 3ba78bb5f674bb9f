package catalog

import (
	"fmt"
	"slices"
)

// Model is a registered model: its versions, and how the rows of queries that follow it are spread over them. It is immutable
// like the catalog; the methods that change it return another one.
type Model struct {
	Name     string
	Versions []*ModelVersion // ascending by number
	// Rollouts are all that ever were, ascending by Since; the last one holds now. A task that lags behind, or takes back what it
	// did not commit, scores by an older one.
	Rollouts []*Rollout
	// Refused are the last records of the model's feed that could not become versions, oldest first.
	Refused []*Refusal
}

// Feed says that a version is a record of a topic, and that later records with the key become versions too.
type Feed struct {
	Topic     string
	Key       string
	Partition int32
	Offset    int64
}

// Refusal is a record of a feed that could not become a version.
type Refusal struct {
	Feed
	SHA256  string
	Size    int64
	Reason  string
	Created int64 // ms since the epoch
}

// maxRefused bounds Model.Refused.
const maxRefused = 10

// ModelVersion is one file of a model. It is immutable.
type ModelVersion struct {
	Name      string // of the model
	Version   int    // from 1
	URI       string
	SHA256    string
	Size      int64
	Backend   string
	Why       string `json:",omitempty"` // what made the backend that one
	Statement string
	Props     map[string]string
	Created   int64 `json:",omitempty"` // ms since the epoch; 0: not known
	// Held says that the version began without rows: the rollout stays as it is.
	Held bool `json:",omitempty"`
	// Feed is set on versions of a model that a topic feeds.
	Feed *Feed `json:",omitempty"`
	// Retired says that statements may no longer name the version. Older rollouts may still score with it.
	Retired bool `json:",omitempty"`
}

// Rollout says which versions score. It is immutable.
type Rollout struct {
	// Since is the offset of the command that began it, which the command itself does not know.
	Since    int64   `json:"-"`
	Active   int     // the stable version
	Previous int     `json:",omitempty"` // what ROLLBACK makes active; 0: nothing
	Traffic  []Share `json:",omitempty"` // ascending by version; percentages that make 100. Nil: the active version scores all rows
	By       string  `json:",omitempty"` // the column that decides a row's version; "": the record's key
	Shadow   []int   `json:",omitempty"` // versions that score all rows too, and whose scores nobody gets
	Created  int64   `json:",omitempty"` // ms since the epoch; 0: not known
	// Canary is set while a version is on trial: it has a share of Traffic or, with none, is among Shadow.
	Canary *Canary `json:",omitempty"`
	// Ended is set on the rollout that a canary's own conditions brought about.
	Ended *CanaryEnd `json:",omitempty"`
}

// Canary is a version on trial beside the active one. Its conditions are SQL over its metrics, "" where there is none: whichever holds
// first ends it.
type Canary struct {
	Since    int64 `json:",omitempty"` // of the rollout that began it, whose command itself does not know
	Created  int64 // ms since the epoch
	Version  int
	Promote  string `json:",omitempty"`
	Rollback string `json:",omitempty"`
	// Labels is a table keyed by version number whose columns the conditions may name; "": none.
	Labels string `json:",omitempty"`
}

// CanaryEnd says how a canary ended by itself.
type CanaryEnd struct {
	Version  int
	Promoted bool // else rolled back
	Reason   string
}

// Share is the part of rows that a version scores.
type Share struct{ Version, Percent int }

// Versions are those that score, the shadows last.
func (r *Rollout) Versions() []int {
	var list []int
	for _, s := range r.Traffic {
		list = append(list, s.Version)
	}
	if r.Traffic == nil {
		list = append(list, r.Active)
	}
	return append(list, r.Shadow...)
}

// Uses says whether the rollout names a version, be it only to go back to it.
func (r *Rollout) Uses(version int) bool {
	return version == r.Active || version == r.Previous || slices.Contains(r.Versions(), version)
}

// Feed is where new versions come from; nil: from statements alone.
func (m *Model) Feed() *Feed { return m.Last().Feed }

// Took says whether a record of the model's feed, or a later one of its partition, has become a version or was refused.
func (m *Model) Took(partition int32, offset int64) bool { return offset < m.Next(partition) }

// Next is the offset of a partition from which records of the model's feed are still to be looked at.
func (m *Model) Next(partition int32) int64 {
	feed, next := m.Feed(), int64(0)
	see := func(f *Feed) {
		if f != nil && feed != nil && f.Topic == feed.Topic && f.Key == feed.Key && f.Partition == partition {
			next = max(next, f.Offset+1)
		}
	}
	for _, v := range m.Versions {
		see(v.Feed)
	}
	for _, r := range m.Refused {
		see(&r.Feed)
	}
	return next
}

// WithRefusal returns a catalog in which a record of a model's feed is known to be refused.
func (c *Catalog) WithRefusal(model string, r *Refusal) (*Catalog, error) {
	m, ok := c.models[model]
	if !ok {
		return nil, fmt.Errorf("refuse a record of model %s: it does not exist", model)
	}
	n := *m
	n.Refused = append(slices.Clip(m.Refused), r)
	n.Refused = n.Refused[max(0, len(n.Refused)-maxRefused):]
	return c.WithModel(&n), nil
}

// Version finds a version by number, a retired one too; nil if there is none.
func (m *Model) Version(number int) *ModelVersion {
	for _, v := range m.Versions {
		if v.Version == number {
			return v
		}
	}
	return nil
}

// Last is the newest version.
func (m *Model) Last() *ModelVersion { return m.Versions[len(m.Versions)-1] }

// Rollout is the one that holds now.
func (m *Model) Rollout() *Rollout { return m.Rollouts[len(m.Rollouts)-1] }

// RolloutAt is the one that held when the commands below the offset were all there were; the first one if it is younger.
func (m *Model) RolloutAt(offset int64) *Rollout {
	for _, r := range slices.Backward(m.Rollouts) {
		if r.Since < offset {
			return r
		}
	}
	return m.Rollouts[0]
}

// Current is the active version.
func (m *Model) Current() *ModelVersion { return m.Version(m.Rollout().Active) }

// WithModelVersion returns a catalog in which a model has a version more, or is there with its first one. Unless the version is held
// it scores all rows from now on. The command with the definition has the offset since.
func (c *Catalog) WithModelVersion(v *ModelVersion, since int64) *Catalog {
	m, ok := c.models[v.Name]
	if !ok {
		first := &Rollout{Since: since, Active: v.Version, Created: v.Created}
		return c.WithModel(&Model{Name: v.Name, Versions: []*ModelVersion{v}, Rollouts: []*Rollout{first}})
	}
	n := *m
	n.Versions = append(slices.Clip(m.Versions), v)
	if !v.Held {
		n.Rollouts = append(slices.Clip(m.Rollouts), m.Rollout().Promoted(v.Version, v.Created).since(since))
	}
	return c.WithModel(&n)
}

// Promoted is the rollout that makes a version the active one for all rows.
func (r *Rollout) Promoted(version int, now int64) *Rollout {
	n := &Rollout{Active: version, Previous: r.Previous, Created: now}
	if version != r.Active {
		n.Previous = r.Active
	}
	return n
}

// WithoutCanary is the rollout after a canary has gone: the active version scores all rows.
func (r *Rollout) WithoutCanary() *Rollout {
	n := &Rollout{Active: r.Active, Previous: r.Previous}
	for _, v := range r.Shadow {
		if r.Canary == nil || v != r.Canary.Version {
			n.Shadow = append(n.Shadow, v)
		}
	}
	return n
}

func (r *Rollout) since(offset int64) *Rollout {
	n := *r
	n.Since = offset
	if c := n.Canary; c != nil && c.Since == 0 {
		begun := *c
		begun.Since = offset
		n.Canary = &begun
	}
	return &n
}

// WithRollout returns a catalog in which a model is rolled out otherwise, by the command with the offset since.
func (c *Catalog) WithRollout(model string, r *Rollout, since int64) (*Catalog, error) {
	m, ok := c.models[model]
	if !ok {
		return nil, fmt.Errorf("roll out model %s: it does not exist", model)
	}
	n := *m
	n.Rollouts = append(slices.Clip(m.Rollouts), r.since(since))
	return c.WithModel(&n), nil
}

// WithoutModelVersion returns a catalog in which statements cannot name a version any more.
func (c *Catalog) WithoutModelVersion(model string, version int) (*Catalog, error) {
	m, ok := c.models[model]
	if !ok || m.Version(version) == nil {
		return nil, fmt.Errorf("retire version %d of model %s: it does not exist", version, model)
	}
	n := *m
	n.Versions = slices.Clone(m.Versions)
	for i, v := range n.Versions {
		if v.Version == version {
			retired := *v
			retired.Retired = true
			n.Versions[i] = &retired
		}
	}
	return c.WithModel(&n), nil
}
