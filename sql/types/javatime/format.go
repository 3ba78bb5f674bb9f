package javatime

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/millrace/millrace/sql/types"
)

// Format prints a point in time, in milliseconds since the epoch, as it is in the zone.
func (f *Formatter) Format(ms int64, loc *time.Location) (string, error) {
	return f.print(time.UnixMilli(ms).In(loc), dateFields|clockFields|zoneFields)
}

// FormatDate prints a date, in days since the epoch. Fields of a time of day or zone are an error, but for those in optional parts.
func (f *Formatter) FormatDate(days int32) (string, error) { return f.print(civil(days), dateFields) }

// FormatTime prints a time of day in milliseconds. Fields of a date or zone are an error, but for those in optional parts.
func (f *Formatter) FormatTime(ms int32) (string, error) {
	return f.print(time.UnixMilli(int64(ms)).UTC(), clockFields)
}

func (f *Formatter) print(t time.Time, has int) (string, error) {
	b, err := appendItems(nil, f.items, t, has)
	if err != nil {
		return "", fmt.Errorf("print by date pattern %q: %w", f.pattern, err)
	}
	return string(b), nil
}

func appendItems(b []byte, items []item, t time.Time, has int) ([]byte, error) {
	for i := range items {
		switch it := &items[i]; {
		case it.optional != nil:
			if longer, err := appendItems(b, it.optional, t, has); err == nil {
				b = longer
			}
		case it.letter == 0:
			b = append(b, it.literal...)
		case classOf(it.letter)&has == 0:
			return b, fmt.Errorf("the value has no field %c", it.letter)
		default:
			from := len(b)
			if b = it.appendField(b, t); it.pad == 0 {
				continue
			}
			width := utf8.RuneCount(b[from:])
			if width > it.pad {
				return b, fmt.Errorf("%q is wider than %d", b[from:], it.pad)
			}
			b = slices.Insert(b, from, bytes.Repeat([]byte{' '}, it.pad-width)...)
		}
	}
	return b, nil
}

func (it *item) appendField(b []byte, t time.Time) []byte {
	switch it.letter {
	case 'u', 'y':
		return it.appendYear(b, t.Year())
	case 'M', 'L':
		return it.appendText(b, int(t.Month()), t.Month().String())
	case 'd':
		return padded(b, int64(t.Day()), it.count)
	case 'D':
		return padded(b, int64(t.YearDay()), it.count)
	case 'Q', 'q':
		return it.appendQuarter(b, (int(t.Month())+2)/3)
	case 'E':
		return it.appendText(b, 0, t.Weekday().String())
	case 'e', 'c':
		return it.appendText(b, localDay(t), t.Weekday().String())
	case 'Y':
		year, _ := weekYear(t)
		return it.appendYear(b, year)
	case 'w':
		_, week := weekYear(t)
		return padded(b, int64(week), it.count)
	case 'W':
		return padded(b, int64(weekNumber(t.Day(), t.Weekday())), 1)
	case 'F': // the day within the month's own weeks, which begin on its first day
		return padded(b, int64((t.Day()-1)%7+1), 1)
	case 'g':
		return padded(b, julian(t), it.count)
	case 'G':
		return append(b, eraName(t.Year() >= 1, it.count)...)
	case 'B':
		return append(b, dayPeriod(t, it.count)...)
	case 'a':
		if t.Hour() < 12 {
			return append(b, "AM"...)
		}
		return append(b, "PM"...)
	}
	return it.appendClock(b, t)
}

func (it *item) appendClock(b []byte, t time.Time) []byte {
	h := t.Hour()
	switch it.letter {
	case 'h':
		return padded(b, int64((h+11)%12+1), it.count)
	case 'H':
		return padded(b, int64(h), it.count)
	case 'k':
		return padded(b, int64((h+23)%24+1), it.count)
	case 'K':
		return padded(b, int64(h%12), it.count)
	case 'm':
		return padded(b, int64(t.Minute()), it.count)
	case 's':
		return padded(b, int64(t.Second()), it.count)
	case 'S':
		return append(b, string(padded(nil, int64(t.Nanosecond()), 9))[:it.count]...)
	case 'n':
		return padded(b, int64(t.Nanosecond()), it.count)
	case 'A':
		return padded(b, nanoOfDay(t)/1e6, it.count)
	case 'N':
		return padded(b, nanoOfDay(t), it.count)
	}
	return it.appendZone(b, t)
}

func nanoOfDay(t time.Time) int64 {
	return int64(t.Hour()*3600+t.Minute()*60+t.Second())*1e9 + int64(t.Nanosecond())
}

func (it *item) appendZone(b []byte, t time.Time) []byte {
	_, offset := t.Zone()
	switch {
	case it.letter == 'V':
		return append(b, zoneID(t)...)
	case it.letter == 'z' || it.letter == 'v':
		which := shortName
		if it.count == 4 {
			which = longName
		}
		return append(b, zoneName(t, it.letter, which)...)
	case it.letter == 'X':
		return append(b, formatOffset(offset, it.count, "Z")...)
	case it.letter == 'Z' && it.count == 5:
		return append(b, formatOffset(offset, 5, "Z")...)
	case it.letter == 'Z' && it.count < 4:
		return append(b, formatOffset(offset, 2, "")...)
	case it.letter == 'x':
		return append(b, formatOffset(offset, it.count, "")...)
	case offset == 0: // O and ZZZZ
		return append(b, "GMT"...)
	case it.letter == 'O' && it.count == 1:
		s := strings.TrimSuffix(formatOffset(offset, 5, ""), ":00")
		return append(append(b, "GMT"...), s[:1]+strings.TrimPrefix(s[1:], "0")...)
	}
	return append(append(b, "GMT"...), formatOffset(offset, 5, "")...)
}

func (it *item) appendYear(b []byte, year int) []byte {
	if it.letter == 'y' && year < 1 {
		year = 1 - year // of the era
	}
	switch {
	case it.count == 2:
		return padded(b, int64(max(year, -year)%100), 2)
	case year < 0:
		b, year = append(b, '-'), -year
	case it.count >= 4 && len(strconv.Itoa(year)) > it.count:
		b = append(b, '+')
	}
	return padded(b, int64(year), it.count)
}

// appendText prints a number for counts of 1 and 2, unless there is none, else a short, full or one-letter name.
func (it *item) appendText(b []byte, number int, name string) []byte {
	switch {
	case it.count < 3 && number > 0:
		return padded(b, int64(number), it.count)
	case it.count == 4:
		return append(b, name...)
	case it.count == 5:
		return append(b, name[0])
	}
	return append(b, name[:3]...)
}

var quarters = [...]string{"1st quarter", "2nd quarter", "3rd quarter", "4th quarter"}

func (it *item) appendQuarter(b []byte, q int) []byte {
	switch it.count {
	case 3:
		return append(b, 'Q', byte('0'+q))
	case 4:
		return append(b, quarters[q-1]...)
	case 5:
		return append(b, byte('0'+q))
	}
	return padded(b, int64(q), it.count)
}

// julian is the modified Julian day.
func julian(t time.Time) int64 {
	days, _ := types.CivilDays(t.Year(), int(t.Month()), t.Day()) // a date that is one
	return int64(days) + julianEpoch
}

// julianEpoch is the modified Julian day of 1970-01-01.
const julianEpoch = 40587

var (
	erasFull = [...]string{"Before Christ", "Anno Domini"}
	eras     = [...]string{"BC", "AD"}
)

func eraName(ad bool, count int) string {
	i := 0
	if ad {
		i = 1
	}
	switch count {
	case 4:
		return erasFull[i]
	case 5:
		return eras[i][:1]
	}
	return eras[i]
}

// dayPeriods are parts of the day, with the minutes that a clock time stands for when only they are given.
var dayPeriods = [...]struct {
	name     string
	from, to int // minutes of the day; the last one goes on past midnight
}{
	{"midnight", 0, 1},
	{"noon", 12 * 60, 12*60 + 1},
	{"in the morning", 6 * 60, 12 * 60},
	{"in the afternoon", 12 * 60, 18 * 60},
	{"in the evening", 18 * 60, 21 * 60},
	{"at night", 21 * 60, 30 * 60},
}

func dayPeriod(t time.Time, count int) string {
	minute := t.Hour()*60 + t.Minute()
	for _, p := range dayPeriods {
		if minute >= p.from && minute < p.to || minute+24*60 < p.to {
			switch {
			case count == 5 && p.from == 0:
				return "mi"
			case count == 5 && p.name == "noon":
				return "n"
			}
			return p.name
		}
	}
	return ""
}

func padded(b []byte, v int64, width int) []byte {
	s := strconv.FormatInt(v, 10)
	for range width - len(s) {
		b = append(b, '0')
	}
	return append(b, s...)
}
