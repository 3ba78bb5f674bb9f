package engine

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/engine/task"
	"github.com/millrace/millrace/sql/ast"
)

// property is a setting that a session may change with SET, by ksqlDB's name.
type property struct {
	name, value string // its default
	check       func(value string) error
}

// The settings that the runtime reads itself.
const (
	// cacheBytes is ksqlDB's switch for coalescing: 0 emits every update, anything else the last one of a commit.
	cacheBytes = "cache.max.bytes.buffering"
	idleMillis = "max.task.idle.ms"
	guarantee  = "processing.guarantee"
	// Pull queries may be answered from the copies that other servers keep of a table, or by the server that is asked alone.
	standbyReads   = "ksql.query.pull.enable.standby.reads"
	standbyLag     = "ksql.query.pull.max.allowed.offset.lag"
	skipForwarding = "request.ksql.query.pull.skip.forwarding"
	// How many copies there are of each table, and how long a silent server keeps its work: the server's, whatever a session says.
	standbyReplicas = "num.standby.replicas"
	sessionTimeout  = "session.timeout.ms"
)

// properties are all settings that statements may change. ksqlDB's names are accepted with and without their prefix
// "ksql.streams.".
var properties = []property{
	{"auto.offset.reset", "latest", oneOf("earliest", "latest")},
	{"cache.max.bytes.buffering", "10000000", number(0, 1<<62)},
	{"commit.interval.ms", "100", number(1, 60_000)},
	{failOnRead, "false", boolean},
	{failOnWrite, "true", boolean},
	{"ksql.functions.collect_list.limit", "1000", number(-1, 1<<31-1)},
	{"ksql.functions.collect_set.limit", "1000", number(-1, 1<<31-1)},
	{"ksql.output.topic.name.prefix", "", nil},
	{"ksql.persistence.default.format.key", "KAFKA", nil},
	{"ksql.persistence.default.format.value", "", nil},
	{"ksql.persistence.wrap.single.values", "true", boolean},
	{standbyReads, "false", boolean},
	{"ksql.query.pull.limit.clause.enabled", "true", boolean},
	{standbyLag, "9223372036854775807", number(0, 1<<63-1)},
	{"ksql.query.pull.range.scan.enabled", "true", boolean},
	{"ksql.query.pull.stream.enabled", "true", boolean},
	{"ksql.query.pull.table.scan.enabled", "true", boolean},
	{pushV2, "false", boolean},
	{retryFirst, "15000", number(1, 1<<31-1)},
	{retryLast, "900000", number(1, 1<<31-1)},
	{"ksql.suppress.enabled", "true", boolean},
	{"ksql.timestamp.throw.on.invalid", "false", boolean},
	{"max.task.idle.ms", "0", number(-1, 1<<31-1)},
	{standbyReplicas, "0", number(0, 10)},
	{skipForwarding, "false", boolean},
	{sessionTimeout, "6000", number(1000, 30*60_000)},
	{deadLetterTopic, "", nil},
	{onError, "skip", oneOf(string(task.Skip), string(task.Stop), string(task.DeadLetter))},
	{guarantee, "exactly_once_v2", oneOf("exactly_once_v2", "at_least_once")},
}

func lookupProperty(name string) (*property, error) {
	name = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(name)), "ksql.streams.")
	name = strings.TrimPrefix(name, "consumer.")
	names := make([]string, len(properties))
	for i := range properties {
		if properties[i].name == name {
			return &properties[i], nil
		}
		names[i] = properties[i].name
	}
	err := fmt.Errorf("there is no property %q", name)
	if hint := ast.Suggest(name, names); hint != "" {
		err = fmt.Errorf("%w: %s", err, hint)
	}
	return nil, err
}

// IsProperty says whether a name is one that SET and Options.Properties take.
func IsProperty(name string) bool {
	_, err := lookupProperty(name)
	return err == nil
}

// checkedProperties returns settings under the names that the engine reads them by, or what is wrong with the first bad one.
func checkedProperties(given map[string]string) (map[string]string, error) {
	out := make(map[string]string, len(given))
	for _, name := range slices.Sorted(maps.Keys(given)) {
		p, err := lookupProperty(name)
		if err == nil && p.check != nil {
			err = p.check(given[name])
		}
		if err != nil {
			return nil, fmt.Errorf("property %s: %w", name, err)
		}
		out[p.name] = given[name]
	}
	return out, nil
}

// property is the value a property has where no session changed it.
func (e *Engine) property(name string) string {
	if v, ok := e.opts.Properties[name]; ok {
		return v
	}
	p, err := lookupProperty(name)
	if err != nil {
		return ""
	}
	return p.value
}

// effective are the properties that a statement of the session is analysed and run with.
func (e *Engine) effective(s *session) map[string]string {
	out := map[string]string{}
	for _, p := range properties {
		if v, ok := s.props[p.name]; ok {
			out[p.name] = v
		} else if v, ok := e.opts.Properties[p.name]; ok {
			out[p.name] = v
		}
	}
	return out
}

// ValidProperty implements API.
func (e *Engine) ValidProperty(name string) error {
	_, err := lookupProperty(name)
	return err
}

func oneOf(values ...string) func(string) error {
	return func(v string) error {
		for _, x := range values {
			if strings.EqualFold(v, x) {
				return nil
			}
		}
		return fmt.Errorf("%q is none of %s", v, strings.Join(values, ", "))
	}
}

func boolean(v string) error { return oneOf("true", "false")(v) }

func number(low, high int64) func(string) error {
	return func(v string) error {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n < low || n > high {
			return fmt.Errorf("%q is not a number from %d to %d", v, low, high)
		}
		return nil
	}
}
