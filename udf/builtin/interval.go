package builtin

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/udf"
)

// Interval units are boxed as their names, in the singular or plural.

func intervalFunctions() []udf.Function {
	make1 := func(name, description, kind, arg string, f func(unit string, n int64, v any) (any, error), sign int64) udf.Function {
		return function(name, description,
			on(fmt.Sprintf("unit INTERVALUNIT, interval INT, %s %s -> %s", arg, kind, kind), func(_ *udf.Call, a []any) (any, error) {
				return f(strings.ToUpper(a[0].(string)), sign*int64(a[1].(int32)), a[2])
			}))
	}
	return []udf.Function{
		make1("TIMESTAMPADD", "A TIMESTAMP and an interval behind it.", "TIMESTAMP", "timestamp", addTimestamp, 1),
		make1("TIMESTAMPSUB", "A TIMESTAMP and an interval before it.", "TIMESTAMP", "timestamp", addTimestamp, -1),
		make1("DATEADD", "A DATE and an interval behind it; parts of a day do not count.", "DATE", "date", addDate, 1),
		make1("DATESUB", "A DATE and an interval before it; parts of a day do not count.", "DATE", "date", addDate, -1),
		make1("TIMEADD", "A TIME and an interval behind it, round the clock.", "TIME", "time", addTime, 1),
		make1("TIMESUB", "A TIME and an interval before it, round the clock.", "TIME", "time", addTime, -1),
	}
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

func addTimestamp(unit string, n int64, v any) (any, error) {
	months, ms, err := span(unit, n)
	if err != nil {
		return nil, err
	}
	t := v.(int64)
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

func addDate(unit string, n int64, v any) (any, error) {
	t, err := addTimestamp(unit, n, int64(v.(int32))*types.MsPerDay)
	if err != nil {
		return nil, err
	}
	if days := t.(int64) / types.MsPerDay; days > math.MaxInt32 || days < math.MinInt32 {
		return nil, fmt.Errorf("date out of range")
	}
	return types.TimestampDays(t.(int64)), nil
}

func addTime(unit string, n int64, v any) (any, error) {
	months, ms, err := span(unit, n)
	if err != nil {
		return nil, err
	}
	if months != 0 {
		return nil, fmt.Errorf("a TIME has no %s", strings.ToLower(unit))
	}
	return types.TimestampTime(int64(v.(int32)) + ms), nil
}
