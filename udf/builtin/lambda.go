package builtin

import (
	"errors"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/udf"
)

func lambdaFunctions() []udf.Function {
	return []udf.Function{
		function("TRANSFORM", "A list or map with a lambda applied to every element, or two to every entry's key and value.",
			on("array ARRAY<T>, function LAMBDA(T)=>R -> ARRAY<R>", transformArray),
			on("map MAP<K, V>, keyFunction LAMBDA(K, V)=>R, valueFunction LAMBDA(K, V)=>T -> MAP<R, T>", transformMap)),
		function("FILTER", "The elements of a list, or entries of a map, for which a lambda is true.",
			on("array ARRAY<T>, function LAMBDA(T)=>BOOLEAN -> ARRAY<T>", filterArray),
			on("map MAP<K, V>, function LAMBDA(K, V)=>BOOLEAN -> MAP<K, V>", filterMap)),
		function("REDUCE", "A list or map folded into one value by a lambda, from an initial state on. A NULL list or map leaves that state; a NULL state gives NULL.",
			onNulls("list ARRAY<T>, initialState S, reduceFunction LAMBDA(S, T)=>S -> S", reduceArray),
			onNulls("map MAP<K, V>, initialState S, reduceFunction LAMBDA(S, K, V)=>S -> S", reduceMap)),
	}
}

func transformArray(_ *udf.Call, a []any) (any, error) {
	list, f := a[0].([]any), a[1].(udf.Lambda)
	out := make([]any, len(list))
	for i, v := range list {
		var err error
		if out[i], err = f(v); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func transformMap(c *udf.Call, a []any) (any, error) {
	m, key, value := a[0].(types.Map), a[1].(udf.Lambda), a[2].(udf.Lambda)
	out := types.NewMapBuilder(c.Returns.Key, len(m))
	for _, e := range m {
		k, err := key(e.Key, e.Value)
		if err != nil {
			return nil, err
		}
		v, err := value(e.Key, e.Value)
		if err != nil {
			return nil, err
		}
		if !out.Put(k, v) {
			return nil, errors.New("two entries get the same key")
		}
	}
	return out.Map, nil
}

func filterArray(_ *udf.Call, a []any) (any, error) {
	out := []any{}
	for _, v := range a[0].([]any) {
		keep, err := a[1].(udf.Lambda)(v)
		if err != nil {
			return nil, err
		}
		if keep == true {
			out = append(out, v)
		}
	}
	return out, nil
}

func filterMap(_ *udf.Call, a []any) (any, error) {
	out := types.Map{}
	for _, e := range a[0].(types.Map) {
		keep, err := a[1].(udf.Lambda)(e.Key, e.Value)
		if err != nil {
			return nil, err
		}
		if keep == true {
			out = append(out, e)
		}
	}
	return out, nil
}

// A NULL list or map leaves the initial state; a NULL initial state gives NULL.
func reduceArray(_ *udf.Call, a []any) (any, error) {
	list, _ := a[0].([]any)
	state := a[1]
	if state == nil {
		return nil, nil
	}
	for _, v := range list {
		var err error
		if state, err = a[2].(udf.Lambda)(state, v); err != nil {
			return nil, err
		}
	}
	return state, nil
}

func reduceMap(_ *udf.Call, a []any) (any, error) {
	m, _ := a[0].(types.Map)
	state := a[1]
	if state == nil {
		return nil, nil
	}
	for _, e := range visitOrder(m) {
		var err error
		if state, err = a[2].(udf.Lambda)(state, e.Key, e.Value); err != nil {
			return nil, err
		}
	}
	return state, nil
}
