package testdriver

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/millrace/millrace/engine/expr"
	"github.com/millrace/millrace/engine/format"
	"github.com/millrace/millrace/engine/record"
	"github.com/millrace/millrace/engine/topology"
	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/optimizer"
	"github.com/millrace/millrace/sql/parser"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// Execute carries one statement out. Queries do not run before Run.
func (d *Driver) Execute(text string) error {
	stmt, err := parser.ParseOne(text)
	if err != nil {
		return err
	}
	d.count++
	create, ok := stmt.(*ast.CreateSource)
	d.reading = ok && create.ReadOnly
	res, err := d.analyzer.Analyze(stmt, d.cat, text, d.opts.Properties)
	if err != nil {
		return err
	}
	switch x := res.(type) {
	case *analyzer.CreateSource:
		if err := d.register(x.Source, true); err != nil {
			return err
		}
		d.cat = d.cat.WithSource(x.Source)
	case *analyzer.CreateAs:
		return d.createAs(x, text)
	case *analyzer.InsertInto:
		id := x.QueryID
		if id == "" {
			id = fmt.Sprintf("INSERTQUERY_%d", d.count-1)
		}
		return d.addQuery(&catalog.Query{ID: id, Statement: text, Sources: x.Sources, Sink: x.Sink.Name, Plan: x.Plan}, "")
	case *analyzer.InsertValues:
		return d.insert(x)
	case *analyzer.Drop:
		d.cat = d.cat.WithoutSource(x.Source.Name)
		d.dropQuery(x.Query)
	case *analyzer.Alter:
		d.cat = d.cat.WithSource(x.Source)
	case *analyzer.CreateType:
		d.cat = d.cat.WithType(x.Name, x.Type)
	case *analyzer.DropType:
		d.cat = d.cat.WithoutType(x.Name)
	case *analyzer.Nothing:
	default:
		return fmt.Errorf("a %T cannot be carried out without a server", stmt)
	}
	return nil
}

func (d *Driver) createAs(x *analyzer.CreateAs, text string) error {
	kind := "CSAS"
	if x.Sink.Kind == catalog.Table {
		kind = "CTAS"
	}
	id := x.Replaces
	if id == "" {
		id = fmt.Sprintf("%s_%s_%d", kind, strings.ToUpper(x.Sink.Name), d.count-1)
	}
	sink := *x.Sink
	sink.Query = id
	if err := d.register(&sink, false); err != nil {
		return err
	}
	q := &catalog.Query{ID: id, Statement: text, Sources: x.Sources, Sink: sink.Name, Plan: x.Plan}
	if err := d.addQuery(q, x.Replaces); err != nil {
		return err
	}
	d.cat = d.cat.WithSource(&sink)
	return nil
}

// register makes the schemas of a source's topic known; missing: where there are none.
func (d *Driver) register(src *catalog.Source, missing bool) error {
	return format.RegisterSource(src, d.opts.Schemas, missing)
}

// addQuery adds a query, or replaces the one with the id in its place. A plan that cannot be run is refused now.
func (d *Driver) addQuery(q *catalog.Query, replaces string) error {
	q.Plan = optimizer.Optimize(q.Plan, optimizer.Options{
		Off: d.opts.NoOptimizer, Fold: d.fold, Volatile: d.opts.Functions.Volatile,
	})
	if _, err := newRun(&Driver{opts: d.opts}, q); err != nil {
		return err
	}
	if old, ok := d.cat.Query(replaces); ok {
		if err := d.takeOver(old, q); err != nil {
			return err
		}
	}
	d.cat = d.cat.WithQuery(q)
	if i := slices.IndexFunc(d.queries, func(o *catalog.Query) bool { return o.ID == replaces }); i >= 0 {
		d.queries[i] = q
		return nil
	}
	d.queries = append(d.queries, q)
	return nil
}

// takeOver refuses a query that a server would refuse in the place of another one.
func (d *Driver) takeOver(old, q *catalog.Query) error {
	o := d.topologyOptions(q)
	was, err := topology.Build(old.Plan, o)
	if err != nil {
		return err
	}
	_, err = topology.TakeOver(was, q.Plan, o)
	var refused *topology.TakeOverError
	if errors.As(err, &refused) {
		return &ast.Error{Code: refused.Code, Message: refused.Message, Hint: refused.Hint}
	}
	return err
}

func (d *Driver) dropQuery(id string) {
	d.cat = d.cat.WithoutQuery(id)
	d.queries = slices.DeleteFunc(d.queries, func(q *catalog.Query) bool { return q.ID == id })
}

// insert makes a record of INSERT VALUES and adds it to the inputs.
func (d *Driver) insert(x *analyzer.InsertValues) error {
	b := &vector.Batch{N: 1, Time: []int64{0}}
	var keys, values []format.Column
	nullKey := true
	for i, v := range x.Values {
		out, err := d.constant(v.Expr)
		if err != nil {
			return fmt.Errorf("insert into %s: %w", x.Target.Name, err)
		}
		b.Cols = append(b.Cols, out)
		col := format.Column{Name: v.Column.Name, Type: v.Column.Type, Target: i}
		if v.Column.Role == types.RoleKey {
			keys = append(keys, col)
			nullKey = nullKey && out.IsNull(0)
		} else {
			values = append(values, col)
		}
	}
	rec := record.Record{Timestamp: Epoch.UnixMilli()}
	if x.RowTime != nil {
		t, err := d.constant(x.RowTime)
		if err != nil {
			return fmt.Errorf("insert into %s: %w", x.Target.Name, err)
		}
		rec.Timestamp = t.I64[0]
	}
	var err error
	if !nullKey {
		if rec.Key, err = d.encode(x.Target.KeyFormat, keys, b, x.Target.Topic, true); err != nil {
			return fmt.Errorf("insert into %s: %w", x.Target.Name, err)
		}
	}
	if rec.Value, err = d.encode(x.Target.ValueFormat, values, b, x.Target.Topic, false); err != nil {
		return fmt.Errorf("insert into %s: %w", x.Target.Name, err)
	}
	r := Record{x.Target.Topic, rec}
	d.Input(r)
	d.topics[r.Topic] = append(d.topics[r.Topic], r)
	return nil
}

// constant evaluates an expression that reads no column. A failure is the statement's.
func (d *Driver) constant(e plan.Expr) (*vector.Vector, error) {
	value, err := expr.Constant(e, d.exprEnv())
	if err != nil {
		return nil, err
	}
	return vector.NewConst(e.Type(), value), nil
}

// fold evaluates a constant expression for the optimizer.
func (d *Driver) fold(e plan.Expr) (any, bool) {
	if !expr.Foldable(e, d.exprEnv()) {
		return nil, false
	}
	v, err := expr.Constant(e, d.exprEnv())
	return v, err == nil
}

func (d *Driver) exprEnv() *expr.Env {
	return &expr.Env{Functions: d.opts.Functions, UDF: d.env()}
}

func (d *Driver) encode(f plan.Format, cols []format.Column, b *vector.Batch, topic string, key bool) ([]byte, error) {
	enc, err := format.NewEncoder(f, cols, format.Options{Key: key, Schemas: d.opts.Schemas, Topic: topic})
	if err != nil {
		return nil, err
	}
	return enc.Append([]byte{}, b.Cols, 0)
}
