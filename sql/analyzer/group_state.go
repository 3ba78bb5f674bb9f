package analyzer

import (
	"errors"
	"time"

	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/plan"
)

var (
	errNotLiteral = errors.New("not a literal")
	// errScan marks a condition that a scan answers, where scans are allowed.
	errScan = errors.New("scan")
)

// day is what windows stay open for late rows if GRACE PERIOD does not say: a day, less the window's size.
const day = 24 * time.Hour

func (g *grouping) setWindow(agg *plan.Aggregate) error {
	w := g.sel.Window
	if w == nil {
		return nil
	}
	out := &plan.Window{Kind: plan.WindowKind(w.Kind), Size: duration(w.Size), Advance: duration(w.Advance), Retention: duration(w.Retention)}
	for _, d := range []*ast.Duration{w.Size, w.Advance} {
		if d != nil && duration(d) <= 0 {
			return fail("window.size", d.Span(), "the size of a window must be positive, and at most 292 years")
		}
	}
	switch {
	case out.Kind == plan.Tumbling:
		out.Advance = out.Size
	case out.Kind == plan.Hopping && out.Advance > out.Size:
		return fail("window.advance", w.Advance.Span(), "the window advances by more than its size, which would lose rows")
	}
	switch {
	case w.Grace != nil:
		out.Grace = duration(w.Grace)
	case !agg.Final:
		out.Grace = max(day-out.Size, 0)
	}
	if w.Retention != nil && out.Retention < out.Size+out.Grace && w.Grace != nil {
		return fail("window.retention", w.Retention.Span(), "RETENTION is shorter than size and grace period together")
	}
	agg.Window = out
	return nil
}

// duration reads a length of time; 0 for none, -1 for one that is too long.
func duration(d *ast.Duration) time.Duration {
	if d == nil {
		return 0
	}
	ms, ok := d.Millis()
	if !ok || ms > int64(1<<63-1)/int64(time.Millisecond) {
		return -1
	}
	return time.Duration(ms) * time.Millisecond
}

// checkIntermediate: accumulators go where the source's values could go, so its format must be able to hold them.
func (g *grouping) checkIntermediate() error {
	f := g.sc.sources[0].cat.ValueFormat
	for i, t := range g.states {
		if t == nil {
			continue
		}
		if err := checkColumns("value", f, []plan.OutColumn{{Name: "STATE", Type: t}}, ast.Span{}); err != nil && f.Name != formatNone {
			return advise(fail("format.intermediate", g.calls[i].Span(), "the value format %s of %s cannot hold what %s keeps, %s", f.Name, g.sc.sources[0].cat.Name, g.calls[i], t),
				"use another VALUE_FORMAT for the source")
		}
	}
	return nil
}

// mustRepartition: rows of a group are together already only where a stream with one key column is grouped by just this column.
func (g *grouping) mustRepartition() bool {
	if g.in.node.IsTable() || len(g.group) != 1 || len(g.in.keys) != 1 {
		return true
	}
	return !g.in.keys[0].is(g.group[0])
}

// finish makes the columns behind the aggregation: keys, window bounds, one column a call.
func (g *grouping) finish(agg *plan.Aggregate) {
	out := &relation{node: agg}
	for i, k := range g.keys {
		agg.Out = append(agg.Out, plan.OutColumn{Name: k.Name, Type: k.Expr.Type(), Role: plan.Key})
		out.names = append(out.names, columnName{})
		if g.grouped {
			out.known = append(out.known, known{g.group[i], i})
			out.keys = append(out.keys, keyOf(g.group[i], i))
		}
	}
	if agg.Window != nil {
		agg.Out = append(agg.Out, windowColumns()...)
		out.names = append(out.names, columnName{"", windowStart}, columnName{"", windowEnd})
	}
	for i, c := range g.calls {
		out.known = append(out.known, known{c, len(agg.Out)})
		out.names = append(out.names, columnName{})
		agg.Out = append(agg.Out, plan.OutColumn{Name: uniqueName(agg.Out, upper(c.Name)), Type: agg.Calls[i].T})
	}
	g.rel = out
}
