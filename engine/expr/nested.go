package expr

import (
	"fmt"
	"slices"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// subscript is a[i] or m[k].
type subscript struct {
	e           plan.Expr
	base, index node
	baseType    *types.Type
	res         *vector.Vector
}

func (c *compiler) subscript(e *plan.Subscript) (node, error) {
	b, i, err := c.pair(e.Base, e.Index)
	if err != nil {
		return nil, err
	}
	t, it := e.Base.Type(), e.Index.Type()
	isList := t.Kind == types.KindArray && (it.Kind == types.KindInt || it.Kind == types.KindBigint)
	if !isList && (t.Kind != types.KindMap || !types.Equal(t.Key, it)) {
		return nil, fmt.Errorf("subscript of %s by %s", t, it)
	}
	return &subscript{e, b, i, t, vector.New(e.T)}, nil
}

func (x *subscript) eval(c *context, sel []int32) *vector.Vector {
	a, k := x.base.eval(c, sel), x.index.eval(c, sel)
	return eachRow(c, x.res, a.Const && k.Const, sel, func(row int) (any, error) {
		if a.IsNull(row) || k.IsNull(row) {
			return nil, nil
		}
		if x.baseType.Kind == types.KindMap {
			return entry(a, row, k.Value(row)), nil
		}
		return element(a, row, position(k, row)), nil
	}, x.e)
}

func position(k *vector.Vector, row int) int64 {
	if k.Type.Kind == types.KindInt {
		return int64(k.I32[k.At(row)])
	}
	return k.I64[k.At(row)]
}

// entry is what a row of a MAP has under a key; NULL if it has not.
func entry(v *vector.Vector, row int, key any) any {
	if n := v.Nested; n != nil {
		k := slices.Index(n.Keys, key)
		if k < 0 {
			return nil
		}
		return n.Parts[0].Value(row*n.Width + k)
	}
	x, _ := v.Any[v.At(row)].(types.Map).Lookup(key, v.Type.Key)
	return x
}

// element counts from 1, or from the end by negative numbers; NULL outside the list.
func element(v *vector.Vector, row int, i int64) any {
	var list []any
	n := int64(0)
	if v.Nested != nil {
		n = int64(v.Nested.Width)
	} else {
		list = v.Any[v.At(row)].([]any)
		n = int64(len(list))
	}
	if i < 0 {
		i += n + 1
	}
	switch {
	case i < 1 || i > n:
		return nil
	case list == nil:
		return v.Nested.Parts[0].Value(row*v.Nested.Width + int(i-1))
	}
	return list[i-1]
}

// field is s->f; NULL of a NULL struct.
type field struct {
	base  node
	index int
	res   *vector.Vector
}

func (x *field) eval(c *context, sel []int32) *vector.Vector {
	a := x.base.eval(c, sel)
	return eachRow(c, x.res, a.Const, sel, func(row int) (any, error) {
		if a.IsNull(row) {
			return nil, nil
		}
		if a.Nested != nil {
			return a.Nested.Parts[x.index].Value(row), nil
		}
		return a.Any[a.At(row)].([]any)[x.index], nil
	}, nil)
}

// makeList is the constructor of an ARRAY or a STRUCT.
type makeList struct {
	items []node
	vecs  []*vector.Vector
	res   *vector.Vector
}

func (c *compiler) makeList(items []plan.Expr, t *types.Type) (node, error) {
	nodes, err := c.compileAll(items)
	return &makeList{nodes, make([]*vector.Vector, len(nodes)), vector.New(t)}, err
}

func (x *makeList) eval(c *context, sel []int32) *vector.Vector {
	isConst := evalAll(c, x.items, x.vecs, sel)
	return eachRow(c, x.res, isConst, sel, func(row int) (any, error) {
		list := make([]any, len(x.vecs))
		for i, v := range x.vecs {
			list[i] = v.Value(row)
		}
		return list, nil
	}, nil)
}

// evalAll evaluates nodes into vecs and says whether all are const.
func evalAll(c *context, nodes []node, vecs []*vector.Vector, sel []int32) bool {
	isConst := true
	for i, n := range nodes {
		vecs[i] = n.eval(c, sel)
		isConst = isConst && vecs[i].Const
	}
	return isConst
}

// makeMap is the constructor of a MAP; a later entry replaces an earlier one with its key.
type makeMap struct {
	nodes   []node // keys, then values
	vecs    []*vector.Vector
	keyType *types.Type
	res     *vector.Vector
}

func (c *compiler) makeMap(e *plan.MakeMap) (node, error) {
	nodes, err := c.compileAll(slices.Concat(e.Keys, e.Values))
	return &makeMap{nodes, make([]*vector.Vector, len(nodes)), e.T.Key, vector.New(e.T)}, err
}

func (x *makeMap) eval(c *context, sel []int32) *vector.Vector {
	isConst := evalAll(c, x.nodes, x.vecs, sel)
	n := len(x.vecs) / 2
	return eachRow(c, x.res, isConst, sel, func(row int) (any, error) {
		m := make(types.Map, 0, n)
		for i := range n {
			m = m.Put(x.vecs[i].Value(row), x.vecs[n+i].Value(row), x.keyType)
		}
		return m, nil
	}, nil)
}
