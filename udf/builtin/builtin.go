// Package builtin holds the functions that SQL always has, one file a family. Each family is a list of udf.Function;
// Functions is all of them. Names, arguments, NULL handling and failures follow ksqlDB.
package builtin

import (
	"slices"
	"sync"

	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/udf"
)

// Functions lists all built-in functions.
func Functions() []udf.Function {
	return slices.Concat(
		aggregates(),
		tableFunctions(),
		scalars("CONDITIONAL", conditionalFunctions(), comparisonFunctions()),
		scalars("STRING", stringFunctions(), partFunctions(), maskFunctions(), encodingFunctions()),
		scalars("REGULAR EXPRESSION", regexpFunctions()),
		scalars("MATHEMATICAL", mathFunctions(), roundingFunctions()),
		scalars("DATE / TIME", formatFunctions(), epochFunctions(), intervalFunctions()),
		scalars("ARRAY", arrayFunctions()),
		scalars("MAP", mapFunctions()),
		scalars("LAMBDA", lambdaFunctions()),
		scalars("JSON", jsonFunctions()),
		scalars("URL", urlFunctions()),
		scalars("OTHER", geoFunctions()),
		scalars("CONVERSIONS", conversionFunctions()),
	)
}

var standard = sync.OnceValue(func() *udf.Registry {
	r, err := udf.NewRegistry(Functions()...)
	if err != nil {
		panic(err) // a declaration in this package is wrong; the tests build the registry
	}
	return r
})

// Registry returns the registry of all built-in functions. It is shared.
func Registry() *udf.Registry { return standard() }

func aggregates() []udf.Function {
	fs := slices.Concat(countFunctions(), sumFunctions(), extremeFunctions(), offsetFunctions(), collectFunctions(),
		topFunctions(), distinctFunctions(), statisticFunctions())
	for i := range fs {
		fs[i].Kind = analyzer.AggregateFunction
		fs[i].Category = "AGGREGATE"
	}
	return fs
}

// initInt reads a constant argument; def where only types are asked for.
func initInt(c *udf.Call, i int, def int64) int64 {
	if i >= len(c.Init) {
		return def
	}
	switch v := c.Init[i].(type) {
	case int32:
		return int64(v)
	case int64:
		return v
	}
	return def
}

func initBool(c *udf.Call, i int, def bool) bool {
	if i < len(c.Init) {
		if v, ok := c.Init[i].(bool); ok {
			return v
		}
	}
	return def
}

// field and the like make nested types.
func field(name string, t *types.Type) types.Field { return types.Field{Name: name, Type: t} }
