package operator

import "github.com/millrace/millrace/sql/vector"

// FilterTable is WHERE or HAVING over a table. A row that stops passing becomes a delete, one that begins to pass an
// insert, and nothing is said of rows that did not pass before either. Its input tells old values.
type FilterTable struct {
	predicate Evaluator
	next      Operator
	sel       []int32
	ops       []vector.Op
}

// NewFilterTable returns the filter of a table.
func NewFilterTable(predicate Evaluator, next Operator) *FilterTable {
	return &FilterTable{predicate: predicate, next: next}
}

// Process implements Operator.
func (f *FilterTable) Process(b *vector.Batch) error {
	pass, err := f.predicate.Eval(b)
	if err != nil {
		return err
	}
	f.sel, f.ops = f.sel[:0], append(f.ops[:0], make([]vector.Op, b.N)...)
	before := int32(-1) // the row of a pending UpdateBefore
	for i := range b.Rows() {
		r := b.Row(i)
		switch b.Op(r) {
		case vector.Insert:
			if isTrue(pass, r) {
				f.keep(r, vector.Insert)
			}
		case vector.UpdateBefore:
			before = int32(r)
			continue
		case vector.UpdateAfter:
			f.update(pass, before, r)
		case vector.Delete:
			if !b.NullValue.Has(r) && isTrue(pass, r) {
				f.keep(r, vector.Delete)
			}
		}
		before = -1
	}
	if len(f.sel) == 0 {
		return nil
	}
	out := *b
	out.Sel, out.Ops = f.sel, f.ops
	return f.next.Process(&out)
}

func (f *FilterTable) update(pass *vector.Vector, before int32, after int) {
	was, is := before >= 0 && isTrue(pass, int(before)), isTrue(pass, after)
	switch {
	case was && is:
		f.keep(int(before), vector.UpdateBefore)
		f.keep(after, vector.UpdateAfter)
	case was:
		f.keep(int(before), vector.Delete)
	case is:
		f.keep(after, vector.Insert)
	}
}

func (f *FilterTable) keep(row int, op vector.Op) {
	f.sel = append(f.sel, int32(row))
	f.ops[row] = op
}
