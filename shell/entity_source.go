package shell

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// schemaInfo is a type as the REST API describes it.
type schemaInfo struct {
	Type         string         `json:"type"`
	Fields       []fieldInfo    `json:"fields"`
	MemberSchema *schemaInfo    `json:"memberSchema"`
	Parameters   map[string]any `json:"parameters"`
}

type fieldInfo struct {
	Name      string     `json:"name"`
	Schema    schemaInfo `json:"schema"`
	Type      string     `json:"type"` // KEY, HEADER or ""
	HeaderKey string     `json:"headerKey"`
}

// String is the type in SQL.
func (s schemaInfo) String() string {
	switch {
	case s.Type == "DECIMAL" && s.Parameters != nil:
		return fmt.Sprintf("DECIMAL(%v, %v)", s.Parameters["precision"], s.Parameters["scale"])
	case s.Type == "ARRAY" && s.MemberSchema != nil:
		return "ARRAY<" + s.MemberSchema.String() + ">"
	case s.Type == "MAP" && s.MemberSchema != nil:
		return "MAP<STRING, " + s.MemberSchema.String() + ">"
	case s.Type == "STRUCT":
		parts := make([]string, len(s.Fields))
		for i, f := range s.Fields {
			parts[i] = f.Name + " " + f.Schema.String()
		}
		return "STRUCT<" + strings.Join(parts, ", ") + ">"
	}
	return s.Type
}

// String is the type with its role: BIGINT (key).
func (f fieldInfo) String() string {
	switch {
	case f.Type == "HEADER" && f.HeaderKey != "":
		return f.Schema.String() + " (header '" + f.HeaderKey + "')"
	case f.Type == "HEADER":
		return f.Schema.String() + " (headers)"
	case f.Type != "":
		return f.Schema.String() + " (" + strings.ToLower(f.Type) + ")"
	}
	return f.Schema.String()
}

func fieldGrid(fields []fieldInfo) grid {
	g := newGrid("Field", "Type")
	for _, f := range fields {
		g.add(f.Name, f.String())
	}
	return g
}

type sourceInfo struct {
	Type, Name, Topic, KeyFormat, ValueFormat string
	IsWindowed                                bool
}

func viewSources(v struct{ Streams, Tables []sourceInfo }) view {
	g := newGrid("Name", "Topic", "Key format", "Value format", "Windowed")
	for _, s := range append(v.Streams, v.Tables...) {
		g.add(s.Name, s.Topic, s.KeyFormat, s.ValueFormat, strconv.FormatBool(s.IsWindowed))
	}
	return view{grids: []grid{g}}
}

type sourceDescription struct {
	Name, Type, Timestamp, Statistics, ErrorStats, KeyFormat, ValueFormat, Topic, Statement string

	WindowType                *string
	Extended                  bool
	Partitions, Replication   int
	Fields                    []fieldInfo
	ReadQueries, WriteQueries []queryInfo
	SourceConstraints         []string
}

func (d sourceDescription) view() view {
	text := facts("Name", d.Name, "Type", strings.ToLower(d.Type))
	if d.Extended {
		window := ""
		if d.WindowType != nil {
			window = *d.WindowType
		}
		text += facts("Topic", fmt.Sprintf("%s (%d partitions, %d replicas)", d.Topic, d.Partitions, d.Replication), "Key format", d.KeyFormat,
			"Value format", d.ValueFormat, "Window", window, "Timestamp", d.Timestamp, "Statement", d.Statement,
			"Used by", strings.Join(d.SourceConstraints, ", "), "Statistics", d.Statistics, "Errors", d.ErrorStats)
	}
	v := view{text: text, grids: []grid{fieldGrid(d.Fields)}}
	for _, q := range []struct {
		title   string
		queries []queryInfo
	}{{"Queries that read it", d.ReadQueries}, {"Queries that write it", d.WriteQueries}} {
		if d.Extended && len(q.queries) > 0 {
			g := queryGrid(q.queries)
			g.title = q.title
			v.grids = append(v.grids, g)
		}
	}
	return v
}

func viewSourceDescription(v struct{ SourceDescription sourceDescription }) view {
	return v.SourceDescription.view()
}

func viewSourceDescriptions(v struct{ SourceDescriptions []sourceDescription }) view {
	return stack(v.SourceDescriptions)
}

func viewTypes(v struct{ Types map[string]schemaInfo }) view {
	g := newGrid("Type", "Schema")
	for name, s := range v.Types {
		g.add(name, s.String())
	}
	sort.Slice(g.rows, func(i, j int) bool { return g.rows[i][0] < g.rows[j][0] })
	return view{grids: []grid{g}}
}

func viewTopics(v struct {
	Topics []struct {
		Name        string
		ReplicaInfo []int
	}
},
) view {
	g := newGrid("Topic", "Partitions", "Replicas")
	for _, t := range v.Topics {
		replicas := 0
		if len(t.ReplicaInfo) > 0 {
			replicas = t.ReplicaInfo[0]
		}
		g.add(t.Name, strconv.Itoa(len(t.ReplicaInfo)), strconv.Itoa(replicas))
	}
	return view{grids: []grid{g}}
}
