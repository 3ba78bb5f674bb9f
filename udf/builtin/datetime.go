package builtin

import (
	"errors"
	"time"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/types/javatime"
	"github.com/millrace/millrace/udf"
)

// pattern keeps the last pattern of the call, which is usually its only one.
func pattern(c *udf.Call, text any) (*javatime.Formatter, error) {
	if f, ok := c.Cache.(*javatime.Formatter); ok && f.String() == text {
		return f, nil
	}
	f, err := javatime.Compile(text.(string))
	if err != nil {
		return nil, err
	}
	c.Cache = f
	return f, nil
}

// zoneArg reads a time zone argument, UTC where there is none.
func zoneArg(a []any, i int) (*time.Location, error) {
	if i >= len(a) {
		return time.UTC, nil
	}
	return javatime.Zone(a[i].(string))
}

func formatFunctions() []udf.Function {
	return []udf.Function{
		function("FORMAT_TIMESTAMP", "A TIMESTAMP as text by a date pattern, in a time zone or UTC.",
			on("timestamp TIMESTAMP, formatPattern STRING -> STRING", formatTimestamp),
			on("timestamp TIMESTAMP, formatPattern STRING, timeZone STRING -> STRING", formatTimestamp)),
		function("TIMESTAMPTOSTRING", "Milliseconds since the epoch as text by a date pattern, in a time zone or UTC.",
			on("epochMilli BIGINT, formatPattern STRING -> STRING", formatTimestamp),
			on("epochMilli BIGINT, formatPattern STRING, timeZone STRING -> STRING", formatTimestamp)),
		function("FORMAT_DATE", "A DATE as text by a date pattern.", on("date DATE, formatPattern STRING -> STRING", formatDate)),
		function("DATETOSTRING", "Days since the epoch as text by a date pattern.", on("epochDays INT, formatPattern STRING -> STRING", formatDate)),
		function("FORMAT_TIME", "A TIME as text by a date pattern.",
			on("time TIME, formatPattern STRING -> STRING", func(c *udf.Call, a []any) (any, error) {
				f, err := pattern(c, a[1])
				if err != nil {
					return nil, err
				}
				return value(f.FormatTime(a[0].(int32)))
			})),
		function("PARSE_TIMESTAMP", "The TIMESTAMP that a text holds by a date pattern; its zone is the text's, the one given, or UTC.",
			on("formattedTimestamp STRING, formatPattern STRING -> TIMESTAMP", parseTimestamp),
			on("formattedTimestamp STRING, formatPattern STRING, timeZone STRING -> TIMESTAMP", parseTimestamp)),
		function("STRINGTOTIMESTAMP", "Milliseconds since the epoch that a text holds by a date pattern.",
			on("formattedTimestamp STRING, formatPattern STRING -> BIGINT", parseTimestamp),
			on("formattedTimestamp STRING, formatPattern STRING, timeZone STRING -> BIGINT", parseTimestamp)),
		function("PARSE_DATE", "The DATE that a text holds by a date pattern.", on("formattedDate STRING, formatPattern STRING -> DATE", parseDate(false))),
		function("STRINGTODATE", "Days since the epoch that a text holds by a date pattern.",
			on("formattedDate STRING, formatPattern STRING -> INT", parseDate(true))),
		function("PARSE_TIME", "The TIME that a text holds by a date pattern.",
			on("formattedTime STRING, formatPattern STRING -> TIME", func(c *udf.Call, a []any) (any, error) {
				f, err := pattern(c, a[1])
				if err != nil {
					return nil, err
				}
				return value(f.ParseTime(a[0].(string)))
			})),
	}
}

// value drops the value of a failed call.
func value[T any](v T, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return v, nil
}

func formatTimestamp(c *udf.Call, a []any) (any, error) {
	f, err := pattern(c, a[1])
	if err != nil {
		return nil, err
	}
	zone, err := zoneArg(a, 2)
	if err != nil {
		return nil, err
	}
	return value(f.Format(a[0].(int64), zone))
}

func formatDate(c *udf.Call, a []any) (any, error) {
	f, err := pattern(c, a[1])
	if err != nil {
		return nil, err
	}
	return value(f.FormatDate(a[0].(int32)))
}

func parseTimestamp(c *udf.Call, a []any) (any, error) {
	f, err := pattern(c, a[1])
	if err != nil {
		return nil, err
	}
	zone, err := zoneArg(a, 2)
	if err != nil {
		return nil, err
	}
	return value(f.ParseTimestamp(a[0].(string), zone))
}

// parseDate reads a date; clock says that a time of day in the text is passed over.
func parseDate(clock bool) impl {
	return func(c *udf.Call, a []any) (any, error) {
		f, err := pattern(c, a[1])
		if err != nil {
			return nil, err
		}
		return value(f.ParseDate(a[0].(string), clock))
	}
}

func epochFunctions() []udf.Function {
	now := func(c *udf.Call) (time.Time, error) {
		if c.Env == nil || c.Env.Now == nil {
			return time.Time{}, errors.New("no clock")
		}
		return c.Env.Now(), nil
	}
	return []udf.Function{
		function("UNIX_TIMESTAMP", "Milliseconds since the epoch, now or of a TIMESTAMP.",
			udf.Overload{Signature: "-> BIGINT", Volatile: true, Call: func(c *udf.Call, _ []any) (any, error) {
				t, err := now(c)
				return t.UnixMilli(), err
			}},
			unary("timestamp TIMESTAMP -> BIGINT", same[int64])),
		function("UNIX_DATE", "Days since the epoch, now or of a DATE.",
			udf.Overload{Signature: "-> INT", Volatile: true, Call: func(c *udf.Call, _ []any) (any, error) {
				t, err := now(c)
				return types.TimestampDays(t.UnixMilli()), err
			}},
			unary("date DATE -> INT", same[int32])),
		function("FROM_UNIXTIME", "The TIMESTAMP of milliseconds since the epoch.", unary("epochMilli BIGINT -> TIMESTAMP", same[int64])),
		function("FROM_DAYS", "The DATE of days since the epoch.", unary("days INT -> DATE", same[int32])),
		function("CONVERT_TZ", "The TIMESTAMP at which clocks in one time zone show what they show in the other at the given one.",
			on("timestamp TIMESTAMP, fromTimeZone STRING, toTimeZone STRING -> TIMESTAMP", func(_ *udf.Call, a []any) (any, error) {
				from, err := javatime.Zone(a[1].(string))
				if err != nil {
					return nil, err
				}
				to, err := javatime.Zone(a[2].(string))
				if err != nil {
					return nil, err
				}
				t := time.UnixMilli(a[0].(int64))
				_, x := t.In(from).Zone()
				_, y := t.In(to).Zone()
				return t.UnixMilli() + int64(y-x)*1000, nil
			})),
	}
}
