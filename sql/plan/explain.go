package plan

import (
	"fmt"
	"strconv"
	"strings"
)

// Explain prints the plan as an indented tree, the root first: each node with its id, what it does, and its columns.
func Explain(n Node) string {
	var b strings.Builder
	explain(&b, n, 0)
	return b.String()
}

func explain(b *strings.Builder, n Node, depth int) {
	indent := strings.Repeat("  ", depth)
	fmt.Fprintf(b, "%s%s: %s\n", indent, IDOf(n), describe(n))
	fmt.Fprintf(b, "%s    (%s)\n", indent, FormatColumns(n.Columns()))
	for _, in := range n.Inputs() {
		explain(b, in, depth+1)
	}
}

// FormatColumns prints columns as ksqlDB prints a schema, with the window bounds and pseudo columns marked.
func FormatColumns(cols []OutColumn) string {
	parts := make([]string, len(cols))
	for i, c := range cols {
		parts[i] = name(c.Name) + " " + c.Type.String() + roleText[c.Role]
	}
	return strings.Join(parts, ", ")
}

var roleText = [...]string{Value: "", Key: " KEY", WindowBound: " WINDOW", HeaderValue: " HEADER", Pseudo: " PSEUDO"}

// IDOf is the stable id of a node.
func IDOf(n Node) string {
	switch x := n.(type) {
	case *Source:
		return x.ID
	case *Filter:
		return x.ID
	case *Project:
		return x.ID
	case *FlatMap:
		return x.ID
	case *Rekey:
		return x.ID
	case *Repartition:
		return x.ID
	case *Aggregate:
		return x.ID
	case *Join:
		return x.ID
	case *ForeignKeyJoin:
		return x.ID
	case *Sink:
		return x.ID
	case *Result:
		return x.ID
	}
	panic(fmt.Sprintf("plan: unknown node %T", n))
}

func describe(n Node) string {
	switch x := n.(type) {
	case *Source:
		return describeSource(x)
	case *Filter:
		return x.Predicate.String()
	case *Project:
		return items(x.Items)
	case *FlatMap:
		parts := make([]string, len(x.Calls))
		for i := range x.Calls {
			parts[i] = x.Calls[i].String()
		}
		return strings.Join(parts, ", ")
	case *Rekey:
		if len(x.Keys) == 0 {
			return "no key"
		}
		return items(x.Keys)
	case *Repartition:
		return "by key, " + formats(x.KeyFormat, x.ValueFormat)
	case *Aggregate:
		return describeAggregate(x)
	case *Join:
		return describeJoin(x)
	case *ForeignKeyJoin:
		return string(x.Kind) + " table-table on foreign key " + x.ForeignKey.String()
	case *Sink:
		return kind(x.Table) + " " + name(x.Name) + ", topic " + x.Topic + ", " + formats(x.KeyFormat, x.ValueFormat) + window(x.Window) + timestamp(x.Timestamp)
	case *Result:
		return describeResult(x)
	}
	panic(fmt.Sprintf("plan: unknown node %T", n))
}

func describeSource(x *Source) string {
	s := kind(x.Table) + " " + name(x.Name)
	if x.Alias != "" && x.Alias != x.Name {
		s += " AS " + name(x.Alias)
	}
	s += ", topic " + x.Topic + ", " + formats(x.KeyFormat, x.ValueFormat) + window(x.Window) + timestamp(x.Timestamp)
	if x.Materialized {
		s += ", materialized"
	}
	return s
}

func describeAggregate(x *Aggregate) string {
	parts := make([]string, len(x.Calls))
	for i := range x.Calls {
		parts[i] = x.Calls[i].String()
	}
	s := strings.Join(parts, ", ")
	if w := x.Window; w != nil {
		s += ", " + string(w.Kind) + " " + w.Size.String()
		if w.Kind == Hopping {
			s += " advance " + w.Advance.String()
		}
		s += " grace " + w.Grace.String()
		if w.Retention > 0 {
			s += " retention " + w.Retention.String()
		}
	}
	if x.Final {
		s += ", final"
	}
	return s
}

func describeJoin(x *Join) string {
	sides := kindOf(x.Left) + "-" + kindOf(x.Right)
	s := string(x.Kind) + " " + sides
	if w := x.Within; w != nil {
		s += " within " + w.Before.String() + ", " + w.After.String()
		if w.Grace != nil {
			s += " grace " + w.Grace.String()
		}
	}
	return s
}

func describeResult(x *Result) string {
	parts := make([]string, len(x.Project))
	for i, p := range x.Project {
		parts[i] = name(x.Input.Columns()[p].Name)
	}
	s := strings.Join(parts, ", ")
	if x.Limit != nil {
		s += ", limit " + strconv.FormatInt(*x.Limit, 10)
	}
	return s
}

func items(list []Item) string {
	parts := make([]string, len(list))
	for i, it := range list {
		parts[i] = it.Expr.String()
		if n := name(it.Name); n != parts[i] {
			parts[i] += " AS " + n
		}
	}
	return strings.Join(parts, ", ")
}

func kind(table bool) string {
	if table {
		return "TABLE"
	}
	return "STREAM"
}

func kindOf(n Node) string { return strings.ToLower(kind(n.IsTable())) }

func formats(key, value Format) string { return "key " + key.Name + ", value " + value.Name }

func window(w *WindowInfo) string {
	if w == nil {
		return ""
	}
	if w.Kind == Session {
		return ", SESSION window"
	}
	return ", " + string(w.Kind) + " window " + w.Size.String()
}

func timestamp(t *Timestamp) string {
	if t == nil {
		return ""
	}
	return ", timestamp " + name(t.Column)
}
