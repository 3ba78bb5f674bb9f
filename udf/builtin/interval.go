package builtin

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/udf"
)

// Interval units are boxed as their names, in the singular or plural.

func intervalFunctions() []udf.Function {
	return []udf.Function{
		shift("TIMESTAMPADD", "A TIMESTAMP and an interval behind it.", "timestamp TIMESTAMP -> TIMESTAMP", addTimestamp, 1),
		shift("TIMESTAMPSUB", "A TIMESTAMP and an interval before it.", "timestamp TIMESTAMP -> TIMESTAMP", addTimestamp, -1),
		shift("DATEADD", "A DATE and an interval behind it; parts of a day do not count.", "date DATE -> DATE", addDate, 1),
		shift("DATESUB", "A DATE and an interval before it; parts of a day do not count.", "date DATE -> DATE", addDate, -1),
		shift("TIMEADD", "A TIME and an interval behind it, round the clock.", "time TIME -> TIME", addTime, 1),
		shift("TIMESUB", "A TIME and an interval before it, round the clock.", "time TIME -> TIME", addTime, -1),
	}
}

// shift declares a function that moves a value by an interval.
func shift[T flat](name, description, signature string, f func(unit string, n int64, v T) (T, error), sign int64) udf.Function {
	o := on("unit INTERVALUNIT, interval INT, "+signature, func(_ *udf.Call, a []any) (any, error) {
		return value(f(strings.ToUpper(a[0].(string)), sign*int64(a[1].(int32)), a[2].(T)))
	})
	o.Rows = func(_ *udf.Call, args []*vector.Vector, rows []int32, out *vector.Vector, fail func(int, error)) {
		in, res := elements[T](args[2]), elements[T](out)
		for _, r := range rows {
			row := int(r)
			unit := strings.ToUpper(args[0].Any[args[0].At(row)].(string))
			v, err := f(unit, sign*int64(args[1].I32[args[1].At(row)]), in[args[2].At(row)])
			if err != nil {
				fail(row, err)
			}
			res[row] = v
		}
	}
	return function(name, description, o)
}

// span is an interval as months and milliseconds: days are 24 hours, as everything is UTC.
func span(unit string, n int64) (months, ms int64, err error) {
	switch strings.TrimSuffix(unit, "S") {
	case "YEAR":
		return 12 * n, 0, nil
	case "MONTH":
		return n, 0, nil
	case "DAY":
		return 0, n * types.MsPerDay, nil
	case "HOUR":
		return 0, n * 3_600_000, nil
	case "MINUTE":
		return 0, n * 60_000, nil
	case "SECOND":
		return 0, n * 1000, nil
	case "MILLISECOND":
		return 0, n, nil
	}
	return 0, 0, fmt.Errorf("unknown unit %s", unit)
}

func addTimestamp(unit string, n, t int64) (int64, error) {
	months, ms, err := span(unit, n)
	if err != nil {
		return 0, err
	}
	if months != 0 {
		t = addMonths(t, months)
	}
	return t + ms, nil
}

// addMonths keeps the day of the month, or takes the month's last.
func addMonths(ms, months int64) int64 {
	t := time.UnixMilli(ms).UTC()
	y, m, d := t.Date()
	total := int64(y)*12 + int64(m) - 1 + months
	year, month := total/12, total%12
	if month < 0 {
		year, month = year-1, month+12
	}
	last := time.Date(int(year), time.Month(month+2), 0, 0, 0, 0, 0, time.UTC).Day()
	day := time.Date(int(year), time.Month(month+1), min(d, last), 0, 0, 0, 0, time.UTC)
	return day.UnixMilli() + int64(types.TimestampTime(ms))
}

func addDate(unit string, n int64, days int32) (int32, error) {
	t, err := addTimestamp(unit, n, int64(days)*types.MsPerDay)
	if err != nil {
		return 0, err
	}
	if days := t / types.MsPerDay; days > math.MaxInt32 || days < math.MinInt32 {
		return 0, fmt.Errorf("date out of range")
	}
	return types.TimestampDays(t), nil
}

func addTime(unit string, n int64, t int32) (int32, error) {
	months, ms, err := span(unit, n)
	if err != nil {
		return 0, err
	}
	if months != 0 {
		return 0, fmt.Errorf("a TIME has no %s", strings.ToLower(unit))
	}
	return types.TimestampTime(int64(t) + ms), nil
}
