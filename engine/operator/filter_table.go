package operator

import "github.com/millrace/millrace/sql/vector"

// FilterTable is WHERE or HAVING over a table. A row that stops passing becomes a delete, one that begins to pass an
// insert, and nothing is said of rows that did not pass before either. Its input tells old values.
type FilterTable struct {
	env       *Env
	predicate Evaluator
	next      Operator
	accept    admission
	rows      admission
}

// NewFilterTable returns the filter of a table.
func NewFilterTable(predicate Evaluator, env *Env, next Operator) *FilterTable {
	return &FilterTable{env: env, predicate: predicate, next: next}
}

// Process implements Operator.
func (f *FilterTable) Process(b *vector.Batch) error {
	pass, err := f.predicate.Eval(b)
	if err != nil {
		return err
	}
	if b = f.accept.accepted(f.env, b); b == nil {
		return nil
	}
	out := f.rows.of(b, true, func(r int) bool { return isTrue(pass, r) && !b.NullValue.Has(r) })
	if len(out.Sel) == 0 {
		return nil
	}
	return f.next.Process(out)
}
