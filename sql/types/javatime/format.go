package javatime

import (
	"strconv"
	"strings"
	"time"
)

// Format prints a point in time, in milliseconds since the epoch, as it is in the zone.
func (f *Formatter) Format(ms int64, loc *time.Location) string {
	return string(appendItems(nil, f.items, time.UnixMilli(ms).In(loc)))
}

func appendItems(b []byte, items []item, t time.Time) []byte {
	for i := range items {
		switch it := &items[i]; {
		case it.optional != nil:
			b = appendItems(b, it.optional, t)
		case it.letter == 0:
			b = append(b, it.literal...)
		default:
			b = it.appendField(b, t)
		}
	}
	return b
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
	case 'G':
		if t.Year() < 1 {
			return append(b, "BC"...)
		}
		return append(b, "AD"...)
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
	name, offset := t.Zone()
	switch {
	case it.letter == 'V':
		return append(b, t.Location().String()...)
	case it.letter == 'z':
		return append(b, name...)
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
		return padded(b, int64((year%100+100)%100), 2)
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
	}
	return padded(b, int64(q), it.count)
}

func padded(b []byte, v int64, width int) []byte {
	s := strconv.FormatInt(v, 10)
	for range width - len(s) {
		b = append(b, '0')
	}
	return append(b, s...)
}
