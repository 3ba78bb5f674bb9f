package builtin

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/udf"
)

func mathFunctions() []udf.Function {
	return []udf.Function{
		doubleFunction("ACOS", "The arc cosine, in radians.", math.Acos),
		doubleFunction("ASIN", "The arc sine, in radians.", math.Asin),
		doubleFunction("ATAN", "The arc tangent, in radians.", math.Atan),
		doubleFunction("CBRT", "The cube root.", math.Cbrt),
		doubleFunction("COS", "The cosine of an angle in radians.", math.Cos),
		doubleFunction("COSH", "The hyperbolic cosine.", math.Cosh),
		doubleFunction("COT", "The cotangent of an angle in radians.", func(x float64) float64 { return 1 / math.Tan(x) }),
		doubleFunction("DEGREES", "An angle in radians as degrees.", func(x float64) float64 { return x * (180 / math.Pi) }),
		doubleFunction("EXP", "e to the power of the argument.", math.Exp),
		doubleFunction("LN", "The natural logarithm.", math.Log),
		doubleFunction("RADIANS", "An angle in degrees as radians.", func(x float64) float64 { return x * (math.Pi / 180) }),
		doubleFunction("SIN", "The sine of an angle in radians.", math.Sin),
		doubleFunction("SINH", "The hyperbolic sine.", math.Sinh),
		doubleFunction("SQRT", "The square root.", math.Sqrt),
		doubleFunction("TAN", "The tangent of an angle in radians.", math.Tan),
		doubleFunction("TANH", "The hyperbolic tangent.", math.Tanh),
		doublePair("ATAN2", "The angle of the point (x, y), in radians.", "y", "x", math.Atan2),
		doublePair("POWER", "The base to the power of the exponent.", "base", "exponent", math.Pow),
		logFunction(),
		signFunction(),
		function("PI", "The number pi.", on("-> DOUBLE", func(*udf.Call, []any) (any, error) { return math.Pi, nil })),
		function("RANDOM", "A random number from 0 up to, not including, 1.", udf.Overload{
			Signature: "-> DOUBLE", Volatile: true,
			Call: func(c *udf.Call, _ []any) (any, error) {
				if c.Env == nil || c.Env.Random == nil {
					return nil, errors.New("no source of random numbers")
				}
				return c.Env.Random(), nil
			},
		}),
	}
}

func doubleFunction(name, description string, f func(float64) float64) udf.Function {
	return function(name, description,
		unary("value INT -> DOUBLE", func(x int32) float64 { return f(float64(x)) }),
		unary("value BIGINT -> DOUBLE", func(x int64) float64 { return f(float64(x)) }),
		unary("value DOUBLE -> DOUBLE", f))
}

func doublePair(name, description, x, y string, f func(x, y float64) float64) udf.Function {
	signature := func(t string) string { return fmt.Sprintf("%s %s, %s %s -> DOUBLE", x, t, y, t) }
	return function(name, description,
		pair(signature("INT"), func(x, y int32) float64 { return f(float64(x), float64(y)) }),
		pair(signature("BIGINT"), func(x, y int64) float64 { return f(float64(x), float64(y)) }),
		pair(signature("DOUBLE"), f))
}

func logFunction() udf.Function {
	out := doubleFunction("LOG", "The logarithm to a base, or the natural one.", math.Log)
	out.Overloads = append(out.Overloads,
		doublePair("", "", "base", "value", func(base, x float64) float64 {
			if base <= 0 || base == 1 {
				return math.NaN()
			}
			return math.Log(x) / math.Log(base)
		}).Overloads...)
	return out
}

func signFunction() udf.Function {
	return function("SIGN", "-1, 0 or 1, as the argument is negative, zero or positive.",
		unary("value INT -> INT", sign[int32]), unary("value BIGINT -> INT", sign[int64]), unary("value DOUBLE -> INT", sign[float64]))
}

func sign[T int32 | int64 | float64](x T) int32 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}

// same is the function that gives its argument.
func same[T flat](x T) T { return x }

func absolute[T int32 | int64](x T) T { return max(x, -x) }

// sameDecimal is the result type of functions that keep the first argument's type.
func sameDecimal(params []*types.Type) (*types.Type, error) { return params[0], nil }

// wholeDecimal is the type of a DECIMAL without its fraction.
func wholeDecimal(params []*types.Type) (*types.Type, error) {
	return types.DecimalOf(max(1, params[0].Precision-params[0].Scale), 0), nil
}

func roundingFunctions() []udf.Function {
	whole := func(name, description string, double func(float64) float64, mode types.Rounding) udf.Function {
		return function(name, description,
			unary("val INT -> INT", same[int32]), unary("val BIGINT -> BIGINT", same[int64]), unary("val DOUBLE -> DOUBLE", double),
			onDecimal("val DECIMAL", sameDecimal, func(_ *udf.Call, a []any) (any, error) {
				d := a[0].(types.Decimal)
				return d.SetScale(0, mode).SetScale(d.Scale(), types.Down), nil
			}))
	}
	places := func(name, description string, double func(float64) int64, cut func(d types.Decimal, places int) types.Decimal) udf.Function {
		decimal := func(c *udf.Call, a []any) (any, error) {
			n := 0
			if len(a) > 1 {
				n = clampPlaces(a[1].(int32))
			}
			return cut(a[0].(types.Decimal), n).SetScale(c.Returns.Scale, types.Down), nil
		}
		return function(name, description,
			unary("val BIGINT -> BIGINT", same[int64]), unary("val INT -> BIGINT", func(x int32) int64 { return int64(x) }),
			unary("val DOUBLE -> BIGINT", double),
			onDecimal("val DECIMAL", wholeDecimal, decimal),
			on("val DOUBLE, decimalPlaces INT -> DOUBLE", func(_ *udf.Call, a []any) (any, error) {
				x := a[0].(float64)
				d, err := types.ParseDecimal(strconv.FormatFloat(x, 'g', -1, 64))
				if err != nil {
					return nil, fmt.Errorf("%s of %g: %w", name, x, err)
				}
				return cut(d, clampPlaces(a[1].(int32))).Float64(), nil
			}),
			onDecimal("val DECIMAL, decimalPlaces INT", sameDecimal, decimal))
	}
	return []udf.Function{
		whole("FLOOR", "The largest whole number that is not larger.", math.Floor, types.Floor),
		whole("CEIL", "The smallest whole number that is not smaller.", math.Ceil, types.Ceiling),
		places("ROUND", "The nearest number with so many digits behind the point; halves go up.", roundDouble, roundUp),
		places("TRUNC", "The number cut to so many digits behind the point.", types.DoubleToInt64,
			func(d types.Decimal, n int) types.Decimal { return d.SetScale(n, types.Down) }),
		function("ABS", "The value without its sign.",
			unary("val INT -> INT", absolute[int32]), unary("val BIGINT -> BIGINT", absolute[int64]), unary("val DOUBLE -> DOUBLE", math.Abs),
			onDecimal("val DECIMAL", sameDecimal, func(_ *udf.Call, a []any) (any, error) { return a[0].(types.Decimal).Abs(), nil })),
	}
}

// clampPlaces keeps hostile numbers of digits from costing memory; no DOUBLE has more.
func clampPlaces(n int32) int { return int(max(-400, min(400, n))) }

// roundDouble is Java's Math.round: halves toward positive infinity.
func roundDouble(x float64) int64 {
	r := math.Floor(x)
	if x-r >= 0.5 {
		r++
	}
	return types.DoubleToInt64(r)
}

// roundUp rounds halves toward positive infinity.
func roundUp(d types.Decimal, places int) types.Decimal {
	if places >= d.Scale() {
		return d
	}
	half := types.NewDecimal(5, places+1)
	return d.Add(half).SetScale(places, types.Floor)
}
