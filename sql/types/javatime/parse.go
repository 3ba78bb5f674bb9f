package javatime

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/sql/types"
)

// ParseTimestamp reads a point in time in milliseconds since the epoch. The zone is the text's, or else loc.
func (f *Formatter) ParseTimestamp(text string, loc *time.Location) (int64, error) {
	p, err := f.parse(text)
	if err != nil {
		return 0, err
	}
	days, err := p.date()
	if err != nil {
		return 0, f.fail(text, err)
	}
	nanos, err := p.clock()
	if err != nil {
		return 0, f.fail(text, err)
	}
	if !p.any(dateFields) {
		nanos %= types.MsPerDay * 1e6 // 24:00 belongs to the next day only where there is one
	}
	if p.zone != nil {
		loc = p.zone
	}
	midnight := time.Unix(int64(days)*86400, 0).UTC()
	y, m, d := midnight.Date()
	t := time.Date(y, m, d, 0, 0, 0, 0, loc)
	if nanos > 0 {
		t = time.Date(y, m, d, int(nanos/3600e9), int(nanos/60e9%60), int(nanos/1e9%60), int(nanos%1e9), loc)
	}
	return t.UnixMilli(), nil
}

// ParseDate reads a date, in days since the epoch, of which the text must give every part. A time of day in the text is an error, or
// passed over if clock is set.
func (f *Formatter) ParseDate(text string, clock bool) (int32, error) {
	p, err := f.parse(text)
	if err != nil {
		return 0, err
	}
	switch {
	case !clock && p.any(clockFields):
		return 0, f.fail(text, errors.New("the text has a time of day"))
	case !p.fullDate():
		return 0, f.fail(text, errors.New("the text does not give a whole date"))
	}
	days, err := p.date()
	if err != nil {
		return 0, f.fail(text, err)
	}
	return days, nil
}

// ParseTime reads a time of day in milliseconds, of which the text must give the hour and what stands between it and the smallest
// part given. A date in the text is an error.
func (f *Formatter) ParseTime(text string) (int32, error) {
	p, err := f.parse(text)
	if err != nil {
		return 0, err
	}
	switch {
	case p.any(dateFields):
		return 0, f.fail(text, errors.New("the text has a date"))
	case !p.fullClock():
		return 0, f.fail(text, errors.New("the text does not give a whole time of day"))
	}
	nanos, err := p.clock()
	if err != nil {
		return 0, f.fail(text, err)
	}
	return int32(nanos / 1e6 % types.MsPerDay), nil
}

// any says whether the text gave a field of the class.
func (p *parsed) any(class int) bool {
	for i, has := range p.has {
		if has && classOf(byte('A'+i)) == class {
			return true
		}
	}
	return false
}

// fullDate says whether the fields make a date.
func (p *parsed) fullDate() bool {
	year := p.given('y') || p.given('u')
	weekday := p.given('e') || p.given('E')
	switch {
	case p.given('g'):
		return true
	case year && p.given('D'), year && p.given('M') && p.given('d'):
		return true
	case year && p.given('M') && p.given('W'), p.given('Y') && p.given('w'):
		return weekday
	}
	return false
}

// fullClock says whether the fields make a time of day.
func (p *parsed) fullClock() bool {
	if p.given('N') || p.given('A') {
		return true
	}
	half := p.given('a') || p.given('B')
	hour := p.given('H') || p.given('k') || half && (p.given('h') || p.given('K'))
	if !hour {
		return p.given('B') && !p.given('m') && !p.given('s')
	}
	return (p.given('m') || !p.given('s') && !p.given('n')) && (p.given('s') || !p.given('n'))
}

func (f *Formatter) fail(text string, err error) error {
	if len(text) > 60 {
		text = text[:60] + "..."
	}
	return fmt.Errorf("cannot read %q by pattern %q: %w", text, f.pattern, err)
}

// parsed holds what a text gave, by letter less 'A'; has tells which letters it gave.
type parsed struct {
	has    [58]bool
	fields [58]int64
	zone   *time.Location
}

// given says whether the text gave a field; value is what it gave, or 0.
func (p *parsed) given(letter byte) bool  { return p.has[letter-'A'] }
func (p *parsed) value(letter byte) int64 { return p.fields[letter-'A'] }

func (f *Formatter) parse(text string) (*parsed, error) {
	p := &parsed{}
	at, err := p.items(f.items, text, 0)
	if err == nil && at != len(text) {
		err = fmt.Errorf("unexpected text at %d", at+1)
	}
	if err != nil {
		return nil, f.fail(text, err)
	}
	return p, nil
}

func (p *parsed) items(items []item, s string, at int) (int, error) {
	for i := range items {
		it := &items[i]
		switch {
		case it.optional != nil:
			saved := *p
			end, err := p.items(it.optional, s, at)
			if err != nil {
				*p = saved
				continue
			}
			at = end
		case it.letter == 0:
			if len(s)-at < len(it.literal) || !strings.EqualFold(s[at:at+len(it.literal)], it.literal) {
				return at, fmt.Errorf("missing %q at %d", it.literal, at+1)
			}
			at += len(it.literal)
		case it.pad > 0:
			end, err := p.padded(it, s, at)
			if err != nil {
				return at, err
			}
			at = end
		default:
			end, err := p.field(it, items[i+1:], s, at)
			if err != nil {
				return at, err
			}
			at = end
		}
	}
	return at, nil
}

// padded reads a field of a fixed width that blanks begin.
func (p *parsed) padded(it *item, s string, at int) (int, error) {
	end := at + it.pad
	if end > len(s) {
		return at, fmt.Errorf("expected %d characters for %c at %d", it.pad, it.letter, at+1)
	}
	for at < end && s[at] == ' ' {
		at++
	}
	stop, err := p.field(it, nil, s[:end], at)
	if err == nil && stop != end {
		err = fmt.Errorf("unexpected text at %d", stop+1)
	}
	return end, err
}

func (p *parsed) field(it *item, next []item, s string, at int) (int, error) {
	if minWidth, maxWidth, ok := it.numeric(); ok {
		return p.number(it, next, s, at, minWidth, maxWidth)
	}
	switch it.letter {
	case 'V', 'v', 'z', 'O', 'X', 'x', 'Z':
		return p.parseZone(it, s, at)
	case 'E', 'e', 'c':
		return p.name('E', s, at, func(i int) string { return time.Weekday(i).String() }, 7, it.count)
	case 'M', 'L':
		end, err := p.name('M', s, at, func(i int) string { return time.Month(i + 1).String() }, 12, it.count)
		p.fields['M'-'A']++ // counted from 1, unlike the choice
		return end, err
	case 'a':
		return p.choice('a', s, at, "AM", "PM")
	case 'G':
		return p.choice('G', s, at, eraName(false, it.count), eraName(true, it.count))
	case 'Q', 'q':
		return p.choice('Q', s, at, quarterTexts(it.count)...)
	case 'B':
		texts := make([]string, len(dayPeriods))
		for i := range texts {
			texts[i] = dayPeriods[i].name
		}
		if it.count == 5 {
			texts[0], texts[1] = "mi", "n"
		}
		return p.choice('B', s, at, texts...)
	}
	return at, fmt.Errorf("%c cannot be read", it.letter)
}

func (p *parsed) set(letter byte, v int64) {
	p.has[letter-'A'], p.fields[letter-'A'] = true, v
}

// number reads digits. A field of varying width leaves the digits that fixed fields right behind it need.
func (p *parsed) number(it *item, next []item, s string, at, minWidth, maxWidth int) (int, error) {
	negative := false
	signed := false
	year := it.letter == 'u' || it.letter == 'y' || it.letter == 'Y'
	if year && at < len(s) && (s[at] == '-' || s[at] == '+') && it.count != 2 {
		signed, negative = true, s[at] == '-'
		at++
	}
	run := 0
	for at+run < len(s) && digit(s[at+run]) {
		run++
	}
	if minWidth != maxWidth {
		run -= reserved(next)
	}
	n := min(run, maxWidth, 18)
	if year && it.count >= 4 && !signed && n > it.count {
		return at, fmt.Errorf("a year of more than %d digits needs a sign, at %d", it.count, at+1)
	}
	if n < minWidth || n < 1 {
		return at, fmt.Errorf("expected %d digits for %c at %d", max(1, minWidth), it.letter, at+1)
	}
	v, _ := strconv.ParseInt(s[at:at+n], 10, 64) // at most 18 digits
	if negative {
		v = -v
	}
	letter := it.letter
	switch letter {
	case 'u', 'y', 'Y':
		if it.count == 2 {
			v += 2000
		}
	case 'S':
		for range 9 - it.count {
			v *= 10
		}
		letter = 'n'
	case 'L':
		letter = 'M'
	case 'q':
		letter = 'Q'
		v-- // counted from 0, as the names are
	case 'Q':
		v--
	case 'c':
		letter = 'e'
	}
	p.set(letter, v)
	return at + n, nil
}

// reserved counts the digits of the fixed-width fields that follow at once.
func reserved(next []item) int {
	total := 0
	for i := range next {
		minWidth, maxWidth, ok := next[i].numeric()
		if !ok || minWidth != maxWidth {
			break
		}
		total += minWidth
	}
	return total
}

// get is a field's value, or def where the text gave none; it must lie between lo and hi.
func (p *parsed) get(letter byte, def, lo, hi int64) (int64, error) {
	if !p.given(letter) {
		return def, nil
	}
	v := p.value(letter)
	if v < lo || v > hi {
		return 0, fmt.Errorf("%d is out of range for %c", v, letter)
	}
	return v, nil
}

// date makes a date of the fields. A day of the week that is not needed for it must be that of the date.
func (p *parsed) date() (int32, error) {
	weekday, err := p.weekday()
	if err != nil {
		return 0, err
	}
	if p.given('Y') && p.given('w') && weekday > 0 {
		return p.weekDate(weekday)
	}
	days, err := p.calendarDate(weekday)
	if err != nil {
		return 0, err
	}
	if weekday > 0 && localDay(civil(days)) != int(weekday) && (p.given('d') || p.given('D') || p.given('g')) {
		return 0, fmt.Errorf("the date is a %s", civil(days).Weekday())
	}
	return days, nil
}

// weekday is the day of the week that the text gave, counted from 1, Sunday; 0 if it gave none.
func (p *parsed) weekday() (int64, error) {
	if p.given('E') {
		return p.value('E') + 1, nil
	}
	return p.get('e', 0, 1, 7)
}

// weekDate makes a date of a week-based year, a week and a day.
func (p *parsed) weekDate(weekday int64) (int32, error) {
	year, err := p.get('Y', 0, -999_998, 999_998)
	if err != nil {
		return 0, err
	}
	week, err := p.get('w', 0, 1, 53)
	if err != nil {
		return 0, err
	}
	days, ok := dateOfWeek(year, week, weekday)
	if !ok {
		return 0, fmt.Errorf("there is no year %d", year)
	}
	return days, nil
}

// calendarDate makes a date of a year and what places the day in it. What is not given is that of 1970-01-01.
func (p *parsed) calendarDate(weekday int64) (int32, error) {
	if p.given('g') {
		day, err := p.get('g', 0, -300_000_000, 300_000_000)
		return int32(day - julianEpoch), err
	}
	letter := byte('y')
	if p.given('u') {
		letter = 'u'
	}
	year, err := p.get(letter, 1970, -999_999, 999_999)
	if err != nil {
		return 0, err
	}
	if p.given('G') && p.value('G') == 0 {
		year = 1 - year
	}
	if p.given('D') {
		day, err := p.get('D', 1, 1, 366)
		if err != nil {
			return 0, err
		}
		first, _ := types.CivilDays(int(year), 1, 1)
		if next, ok := types.CivilDays(int(year)+1, 1, 1); ok && first+int32(day) > next {
			return 0, fmt.Errorf("year %d has no day %d", year, day)
		}
		return first + int32(day) - 1, nil
	}
	quarter, err := p.get('Q', 0, 0, 3)
	if err != nil {
		return 0, err
	}
	month, err := p.get('M', 1+3*quarter, 1, 12)
	if err != nil {
		return 0, err
	}
	if p.given('W') && !p.given('d') && weekday > 0 {
		week, err := p.get('W', 0, 1, 6)
		days, _ := dateOfMonthWeek(year, month, week, weekday)
		return days, err
	}
	day, err := p.get('d', 1, 1, 31)
	if err != nil {
		return 0, err
	}
	for { // as in Java, a day past the end of the month is its last
		if days, ok := types.CivilDays(int(year), int(month), int(day)); ok || day <= 28 {
			return days, nil
		}
		day--
	}
}

// clock is the time of day in nanoseconds.
func (p *parsed) clock() (int64, error) {
	if p.given('N') {
		return p.get('N', 0, 0, 86400e9-1)
	}
	if p.given('A') {
		ms, err := p.get('A', 0, 0, types.MsPerDay-1)
		return ms * 1e6, err
	}
	hour, err := p.hour()
	if err != nil {
		return 0, err
	}
	if p.given('B') && !p.given('m') && !p.given('h') && !p.given('H') && !p.given('k') && !p.given('K') {
		period := dayPeriods[p.value('B')]
		return int64((period.from+period.to)/2%(24*60)) * 60e9, nil // its middle
	}
	minute, err := p.get('m', 0, 0, 59)
	if err != nil {
		return 0, err
	}
	second, err := p.get('s', 0, 0, 59)
	if err != nil {
		return 0, err
	}
	nano, err := p.get('n', 0, 0, 999_999_999)
	return (hour*3600+minute*60+second)*1e9 + nano, err
}

func (p *parsed) hour() (int64, error) {
	switch {
	case p.given('H'):
		h, err := p.get('H', 0, 0, 24)
		if h == 24 && (p.value('m') > 0 || p.value('s') > 0 || p.value('n') > 0) {
			return 0, fmt.Errorf("hour 24 goes on past midnight")
		}
		return h, err
	case p.given('k'):
		h, err := p.get('k', 0, 1, 24)
		return h % 24, err
	case p.given('K'):
		h, err := p.get('K', 0, 0, 11)
		return p.half(h), err
	}
	h, err := p.get('h', 12, 1, 12)
	return p.half(h % 12), err
}

// half places an hour of 0 to 11 in the half of the day that the text names, or in the part of the day.
func (p *parsed) half(hour int64) int64 {
	if !p.given('a') && p.given('B') {
		period := dayPeriods[p.value('B')]
		for _, h := range []int64{hour, hour + 12} {
			if m := int(h*60 + p.value('m')); m >= period.from && m < period.to || m+24*60 < period.to {
				return h
			}
		}
		return hour
	}
	return hour + 12*p.value('a')
}
