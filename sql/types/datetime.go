package types

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Milliseconds of a day, and the zone offsets' bound.
const (
	msPerSecond = 1000
	msPerMinute = 60 * msPerSecond
	msPerHour   = 60 * msPerMinute
	MsPerDay    = 24 * msPerHour
)

// CivilDays is the number of days from 1970-01-01 to a date of the proleptic Gregorian calendar; ok is false if there is no such date.
func CivilDays(year, month, day int) (days int32, ok bool) {
	if month < 1 || month > 12 || day < 1 || day > 31 || year < -999_999 || year > 999_999 {
		return 0, false
	}
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if t.Day() != day {
		return 0, false
	}
	return int32(floorDiv(t.Unix(), 86400)), true
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// TimestampDays is the DATE of a TIMESTAMP in UTC.
func TimestampDays(ms int64) int32 { return int32(floorDiv(ms, MsPerDay)) }

// TimestampTime is the TIME of a TIMESTAMP in UTC.
func TimestampTime(ms int64) int32 { return int32(ms - floorDiv(ms, MsPerDay)*MsPerDay) }

// ParseDate reads yyyy-MM-dd, yyyy-MM or yyyy as CAST does.
func ParseDate(text string) (int32, error) {
	parts := strings.Split(strings.TrimSpace(text), "-")
	if len(parts) > 3 {
		return 0, badTemporal("DATE", text)
	}
	n := [3]int{1, 1, 1}
	for i, p := range parts {
		width := 2
		if i == 0 {
			width = 4
		}
		v, err := strconv.Atoi(p)
		if err != nil || len(p) != width || !allDigits(p) {
			return 0, badTemporal("DATE", text)
		}
		n[i] = v
	}
	days, ok := CivilDays(n[0], n[1], n[2])
	if !ok {
		return 0, badTemporal("DATE", text)
	}
	return days, nil
}

// ParseTime reads HH:mm[:ss[.fraction]] as CAST does; digits past the millisecond are cut.
func ParseTime(text string) (int32, error) {
	s := strings.TrimSpace(text)
	if len(s) < 5 {
		return 0, badTemporal("TIME", text)
	}
	return parseClock(s, "TIME", text)
}

// parseClock reads a beginning of HH:mm:ss.SSS.
func parseClock(s, kind, text string) (int32, error) {
	main, frac, hasFrac := strings.Cut(s, ".")
	parts := strings.Split(main, ":")
	if len(parts) > 3 || hasFrac && (len(parts) != 3 || frac == "" || len(frac) > 9 || !allDigits(frac)) {
		return 0, badTemporal(kind, text)
	}
	bound := [3]int{24, 60, 60}
	ms, unit := 0, msPerHour
	for i, p := range parts {
		v, err := strconv.Atoi(p)
		if err != nil || len(p) != 2 || !allDigits(p) || v >= bound[i] {
			return 0, badTemporal(kind, text)
		}
		ms += v * unit
		unit /= 60
	}
	if hasFrac {
		v, _ := strconv.Atoi((frac + "00")[:3]) // digits, checked above
		ms += v
	}
	return int32(ms), nil
}

// ParseTimestamp reads yyyy-MM-dd'T'HH:mm:ss.SSS with an optional zone, Z or an offset, as CAST does; the date or the time may be
// cut short. Without a zone it is UTC.
func ParseTimestamp(text string) (int64, error) {
	date, clock, _ := strings.Cut(strings.TrimSpace(text), "T")
	days, err := ParseDate(date)
	if err != nil {
		return 0, badTemporal("TIMESTAMP", text)
	}
	ms := int64(days) * MsPerDay
	clock, offset, ok := cutZone(clock)
	if !ok {
		return 0, badTemporal("TIMESTAMP", text)
	}
	if clock != "" {
		t, err := parseClock(clock, "TIMESTAMP", text)
		if err != nil {
			return 0, err
		}
		ms += int64(t)
	}
	return ms - offset, nil
}

// cutZone splits Z, +hh, +hhmm or +hh:mm off the end of a time.
func cutZone(s string) (clock string, offset int64, ok bool) {
	if c, found := strings.CutSuffix(s, "Z"); found {
		return c, 0, true
	}
	i := strings.LastIndexAny(s, "+-")
	if i < 0 {
		return s, 0, true
	}
	digits := strings.Replace(s[i+1:], ":", "", 1)
	if len(digits) == 2 {
		digits += "00"
	}
	if len(digits) != 4 || !allDigits(digits) {
		return "", 0, false
	}
	n, _ := strconv.Atoi(digits) // four digits
	h, m := n/100, n%100
	if h > 18 || m > 59 {
		return "", 0, false
	}
	offset = int64(h)*msPerHour + int64(m)*msPerMinute
	if s[i] == '-' {
		offset = -offset
	}
	return s[:i], offset, true
}

func badTemporal(kind, text string) error {
	if len(text) > 60 {
		text = text[:60] + "..."
	}
	return fmt.Errorf("cannot read %q as %s", text, kind)
}

// AppendDate adds a DATE as yyyy-MM-dd.
func AppendDate(b []byte, days int32) []byte {
	t := time.Unix(int64(days)*86400, 0).UTC()
	b = appendYear(b, t.Year())
	b = append(b, '-')
	b = appendPadded(b, int(t.Month()), 2)
	b = append(b, '-')
	return appendPadded(b, t.Day(), 2)
}

// appendYear follows ISO: four digits, a sign before more or before negative ones.
func appendYear(b []byte, year int) []byte {
	if year > 9999 {
		b = append(b, '+')
	}
	if year < 0 {
		b, year = append(b, '-'), -year
	}
	return appendPadded(b, year, 4)
}

func appendPadded(b []byte, v, width int) []byte {
	for p := 10; width > 1; width-- {
		if v < pow(p, width-1) {
			b = append(b, '0')
			continue
		}
		break
	}
	return strconv.AppendInt(b, int64(v), 10)
}

func pow(b, n int) int {
	r := 1
	for range n {
		r *= b
	}
	return r
}

// AppendTime adds a TIME as HH:mm, or HH:mm:ss if the seconds are not 0; milliseconds are not shown.
func AppendTime(b []byte, ms int32) []byte {
	b = appendPadded(b, int(ms/msPerHour), 2)
	b = append(b, ':')
	b = appendPadded(b, int(ms/msPerMinute%60), 2)
	if s := int(ms / msPerSecond % 60); s != 0 {
		b = append(b, ':')
		b = appendPadded(b, s, 2)
	}
	return b
}

// AppendTimestamp adds a TIMESTAMP as yyyy-MM-dd'T'HH:mm:ss.SSS in UTC.
func AppendTimestamp(b []byte, ms int64) []byte {
	b = AppendDate(b, TimestampDays(ms))
	t := int(TimestampTime(ms))
	b = append(b, 'T')
	b = appendPadded(b, t/msPerHour, 2)
	b = append(b, ':')
	b = appendPadded(b, t/msPerMinute%60, 2)
	b = append(b, ':')
	b = appendPadded(b, t/msPerSecond%60, 2)
	b = append(b, '.')
	return appendPadded(b, t%msPerSecond, 3)
}
