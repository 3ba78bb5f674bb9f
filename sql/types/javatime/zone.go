package javatime

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // the program carries its zones: machines may have none
)

// shortZones are the zone names that people write, as the regions Java takes them for.
var shortZones = map[string]string{
	"PST": "America/Los_Angeles", "PDT": "America/Los_Angeles", "MST": "America/Denver", "MDT": "America/Denver",
	"CST": "America/Chicago", "CDT": "America/Chicago", "EST": "America/New_York", "EDT": "America/New_York",
	"BST": "Europe/London", "CET": "Europe/Paris", "CEST": "Europe/Paris", "EET": "Europe/Helsinki", "EEST": "Europe/Helsinki",
	"WET": "Europe/Lisbon", "WEST": "Europe/Lisbon", "MSK": "Europe/Moscow", "IST": "Asia/Kolkata", "JST": "Asia/Tokyo",
	"KST": "Asia/Seoul", "AEST": "Australia/Sydney", "AEDT": "Australia/Sydney", "NZST": "Pacific/Auckland", "NZDT": "Pacific/Auckland",
}

var zones sync.Map // region -> *time.Location; only those that exist, so it stays small

// Zone finds a time zone by region (Europe/Paris), offset (+01:00, UTC+1, Z) or common short name (PST).
func Zone(id string) (*time.Location, error) {
	if z, ok := zones.Load(id); ok {
		return z.(*time.Location), nil
	}
	return findZone(id)
}

func findZone(id string) (*time.Location, error) {
	switch upper := strings.ToUpper(id); {
	case upper == "Z" || upper == "UTC" || upper == "UT":
		return time.UTC, nil
	case shortZones[upper] != "":
		return Zone(shortZones[upper])
	}
	offset := id
	for _, prefix := range []string{"UTC", "GMT", "UT"} {
		if rest, ok := strings.CutPrefix(id, prefix); ok {
			offset = rest
			break
		}
	}
	if seconds, n := parseOffset(offset); n > 0 && n == len(offset) {
		return time.FixedZone(formatOffset(seconds, 3, ""), seconds), nil
	}
	if id != "" && id != "Local" && len(id) < 60 {
		if loc, err := time.LoadLocation(id); err == nil {
			zones.Store(id, loc)
			return loc, nil
		}
	}
	if len(id) > 60 {
		id = id[:60] + "..."
	}
	return nil, fmt.Errorf("unknown time zone %q", id)
}

// parseOffset reads +h, +hh, +hhmm, +hh:mm, +hhmmss or +hh:mm:ss at the start of s and tells its length, 0 if there is none.
func parseOffset(s string) (seconds, n int) {
	if s == "" || s[0] != '+' && s[0] != '-' {
		return 0, 0
	}
	parts, at := [3]int{}, 1
	for i := range parts {
		from := at
		if i > 0 && at < len(s) && s[at] == ':' {
			from++
		}
		if from+2 > len(s) || !digit(s[from]) || !digit(s[from+1]) {
			if i == 0 && from < len(s) && digit(s[from]) {
				parts[0], at = int(s[from]-'0'), from+1
			}
			break
		}
		parts[i], _ = strconv.Atoi(s[from : from+2]) // two digits
		at = from + 2
	}
	if at == 1 || parts[0] > 18 || parts[1] > 59 || parts[2] > 59 {
		return 0, 0
	}
	seconds = parts[0]*3600 + parts[1]*60 + parts[2]
	if s[0] == '-' {
		seconds = -seconds
	}
	return seconds, at
}

func (p *parsed) parseZone(it *item, s string, at int) (int, error) {
	rest := s[at:]
	if len(rest) > 0 && rest[0]|32 == 'z' && (it.letter != 'z' && it.letter != 'x') && (len(rest) == 1 || !isLetter(rest[1])) {
		p.zone = time.UTC
		return at + 1, nil
	}
	if it.letter == 'X' || it.letter == 'x' || it.letter == 'Z' && it.count != 4 {
		seconds, n := parseOffset(rest)
		if n == 0 {
			return at, fmt.Errorf("expected a zone offset at %d", at+1)
		}
		p.zone = time.FixedZone("", seconds)
		return at + n, nil
	}
	if region, n := longestZone(rest); (it.letter == 'z' || it.letter == 'v') && n > 0 && !continues(rest, n) {
		loc, err := Zone(region)
		if err != nil {
			return at, err
		}
		p.zone = loc
		return at + n, nil
	}
	n := 0
	for n < len(rest) && (isLetter(rest[n]) || strings.IndexByte("/_+-:", rest[n]) >= 0 || digit(rest[n])) {
		n++
	}
	if it.letter == 'V' && n > 1 && (rest[n-2] == '+' || rest[n-2] == '-') && !strings.Contains(rest[:n], "/") {
		return at, fmt.Errorf("expected two digits of hours at %d", at+n)
	}
	loc, err := Zone(rest[:n])
	if err != nil {
		return at, err
	}
	p.zone = loc
	return at + n, nil
}

// continues says whether what stands before n in s goes on: in an id like EST5EDT, or in an offset.
func continues(s string, n int) bool {
	return n < len(s) && (isLetter(s[n]) || digit(s[n]) || strings.IndexByte("/_+-", s[n]) >= 0)
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// formatOffset prints an offset as Java's X pattern of the count does: 1 +HH[mm], 2 +HHmm, 3 +HH:mm, 4 +HHmm[ss],
// 5 +HH:mm[:ss]. The text for zero is given unless it is empty.
func formatOffset(seconds, count int, zero string) string {
	if seconds == 0 && zero != "" {
		return zero
	}
	sign := "+"
	if seconds < 0 {
		sign, seconds = "-", -seconds
	}
	h, m, s := seconds/3600, seconds/60%60, seconds%60
	colon := ""
	if count == 3 || count == 5 {
		colon = ":"
	}
	out := fmt.Sprintf("%s%02d", sign, h)
	if count > 1 || m != 0 {
		out += fmt.Sprintf("%s%02d", colon, m)
	}
	if count > 3 && s != 0 {
		out += fmt.Sprintf("%s%02d", colon, s)
	}
	return out
}
