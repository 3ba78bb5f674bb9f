package javatime

import (
	"time"

	"github.com/millrace/millrace/sql/types"
)

// Weeks are those of the United States: they begin on Sunday, and the first week of a year or month is the one that its first day
// is in.

// localDay counts the days of the week from 1, Sunday.
func localDay(t time.Time) int { return int(t.Weekday()) + 1 }

// weekYear is the week-based year that t is in, and the week of that year.
func weekYear(t time.Time) (year, week int) {
	year = t.Year()
	// The last days of December belong to the first week of the next year if that year begins before Saturday is over.
	saturday := t.AddDate(0, 0, 6-int(t.Weekday()))
	if saturday.Year() > year {
		return year + 1, 1
	}
	return year, weekNumber(t.YearDay(), t.Weekday())
}

// weekNumber counts the weeks, which begin on Sunday, up to the day-th day of a span, itself such a weekday.
func weekNumber(day int, weekday time.Weekday) int {
	return (day-int(weekday)+5)/7 + 1
}

// dateOfWeek is the day of a week-based year, in days since the epoch; a week 53 that the year does not have is its last, as in Java.
// The weekday is counted from 1, Sunday.
func dateOfWeek(year, week, weekday int64) (int32, bool) {
	first, ok := types.CivilDays(int(year), 1, 1)
	next, ok2 := types.CivilDays(int(year)+1, 1, 1)
	if !ok || !ok2 {
		return 0, false
	}
	begin := sundayOnOrBefore(first)
	week = min(week, int64(sundayOnOrBefore(next)-begin)/7)
	return begin + int32((week-1)*7+weekday-1), true
}

// dateOfMonthWeek is the day of a week of a month.
func dateOfMonthWeek(year, month, week, weekday int64) (int32, bool) {
	first, ok := types.CivilDays(int(year), int(month), 1)
	if !ok {
		return 0, false
	}
	return sundayOnOrBefore(first) + int32((week-1)*7+weekday-1), true
}

func sundayOnOrBefore(day int32) int32 { return day - int32(civil(day).Weekday()) }

// civil is midnight of a day since the epoch.
func civil(day int32) time.Time { return time.Unix(int64(day)*86400, 0).UTC() }
