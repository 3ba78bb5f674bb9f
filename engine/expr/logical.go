package expr

import (
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// logical is AND or OR: the right side is evaluated only for rows that the left side leaves open. Or is false: AND, whose open rows
// are those where the left side is true. NULL counts as false, so the result is never NULL.
type logical struct {
	l, r node
	or   bool
	open []int32
	// copied holds a side that has NULLs.
	copied []bool
	res    *vector.Vector
}

func (c *compiler) logical(l, r plan.Expr, or bool) (node, error) {
	x, y, err := c.pair(l, r)
	return &logical{l: x, r: y, or: or, res: vector.New(types.Boolean)}, err
}

func (x *logical) eval(c *context, sel []int32) *vector.Vector {
	a := x.l.eval(c, sel)
	if a.Const {
		if isTrue(a, 0) == x.or {
			size(x.res, true, c.n)
			x.res.Bool[0] = x.or
			return x.res
		}
		return x.plain(c, x.r.eval(c, sel), sel)
	}
	size(x.res, false, c.n)
	truth := x.truths(a)
	x.open = x.open[:0]
	for _, row := range c.rows(sel) {
		t := truth[row]
		x.res.Bool[row] = t
		if t != x.or {
			x.open = append(x.open, row)
		}
	}
	if len(x.open) == 0 {
		return x.res
	}
	b := x.r.eval(c, x.open)
	if b.Const {
		t := isTrue(b, 0)
		for _, row := range x.open {
			x.res.Bool[row] = t
		}
		return x.res
	}
	truth = x.truths(b)
	for _, row := range x.open {
		x.res.Bool[row] = truth[row]
	}
	return x.res
}

// truths gives a flat BOOLEAN vector's elements, with NULL as false. Conditions are hardly ever NULL, so a copy is hardly
// ever made.
func (x *logical) truths(v *vector.Vector) []bool {
	if !v.Nulls.Any() {
		return v.Bool
	}
	x.copied = append(x.copied[:0], v.Bool...)
	falseWhereNull(x.copied, v)
	return x.copied
}

// plain copies a BOOLEAN vector, NULL as false.
func (x *logical) plain(c *context, v *vector.Vector, sel []int32) *vector.Vector {
	size(x.res, v.Const, c.n)
	for _, row := range work(c, v.Const, sel) {
		x.res.Bool[row] = isTrue(v, int(row))
	}
	return x.res
}

// isTrue says whether a BOOLEAN row is neither NULL nor false.
func isTrue(v *vector.Vector, row int) bool { return !v.IsNull(row) && v.Bool[v.At(row)] }

type not struct {
	x   node
	res *vector.Vector
}

func (x *not) eval(c *context, sel []int32) *vector.Vector {
	a := x.x.eval(c, sel)
	size(x.res, a.Const, c.n)
	for _, row := range work(c, a.Const, sel) {
		x.res.Bool[row] = !isTrue(a, int(row))
	}
	return x.res
}

type isNull struct {
	x   node
	res *vector.Vector
}

func (x *isNull) eval(c *context, sel []int32) *vector.Vector {
	a := x.x.eval(c, sel)
	size(x.res, a.Const, c.n)
	for _, row := range work(c, a.Const, sel) {
		x.res.Bool[row] = a.IsNull(int(row))
	}
	return x.res
}

// searchedCase evaluates each condition for the rows that no earlier one took, and each branch for the rows it took.
type searchedCase struct {
	conds, thens []node
	otherwise    node // nil: NULL
	took         [][]int32
	left         []int32
	branch       []int32 // of each row: the index of its branch, len(thens) for ELSE
	vecs         []*vector.Vector
	res          *vector.Vector
}

func (c *compiler) searchedCase(e *plan.Case) (node, error) {
	x := &searchedCase{
		took: make([][]int32, len(e.Whens)+1), vecs: make([]*vector.Vector, len(e.Whens)+1), res: vector.New(e.T),
	}
	for _, w := range e.Whens {
		cond, then, err := c.pair(w.Cond, w.Then)
		if err != nil {
			return nil, err
		}
		x.conds, x.thens = append(x.conds, cond), append(x.thens, then)
	}
	if e.Else != nil {
		var err error
		if x.otherwise, err = c.compile(e.Else); err != nil {
			return nil, err
		}
	}
	return x, nil
}

func (x *searchedCase) eval(c *context, sel []int32) *vector.Vector {
	x.branch = grow(x.branch, c.n)
	left := append(x.left[:0], c.rows(sel)...)
	for i, cond := range x.conds {
		x.vecs[i] = nil
		if len(left) == 0 {
			continue
		}
		v := cond.eval(c, left)
		took, rest := x.took[i][:0], left[:0]
		for _, row := range left {
			if isTrue(v, int(row)) {
				took = append(took, row)
				x.branch[row] = int32(i)
			} else {
				rest = append(rest, row)
			}
		}
		x.took[i], left = took, rest
		if len(took) > 0 {
			x.vecs[i] = x.thens[i].eval(c, took)
		}
	}
	last := len(x.conds)
	x.vecs[last] = nil
	for _, row := range left {
		x.branch[row] = int32(last)
	}
	if x.otherwise != nil && len(left) > 0 {
		x.vecs[last] = x.otherwise.eval(c, left)
	}
	x.left = left[:0]
	return x.gather(c, sel)
}

// gather takes each row from its branch's vector.
func (x *searchedCase) gather(c *context, sel []int32) *vector.Vector {
	x.res.Reset()
	next := 0
	for _, row := range c.rows(sel) {
		for ; next < int(row); next++ {
			x.res.AppendNull()
		}
		next++
		if v := x.vecs[x.branch[row]]; v != nil {
			x.res.AppendFrom(v, int(row))
		} else {
			x.res.AppendNull()
		}
	}
	for ; next < c.n; next++ {
		x.res.AppendNull()
	}
	return x.res
}
