package javatime

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// zoneNamesFile has a line for every set of names: standard and daylight time, long and short, then the generic names, long and
// short, then the regions that bear them. The names are those of Unicode's CLDR as Java 17 gives them for the United States.
//
//go:embed zonenames.txt
var zoneNamesFile string

// zoneNames are the names of a zone.
type zoneNames struct {
	standard, daylight, generic [2]string // long, short
}

// Which of the two names.
const (
	longName = iota
	shortName
)

// names finds the names of regions; regions finds a region of each name, in lower case.
var (
	names   = sync.OnceValues(readZoneNames)
	regions = sync.OnceValue(readRegions)
)

func readZoneNames() (map[string]*zoneNames, []string) {
	byRegion, order := map[string]*zoneNames{}, []string{}
	for line := range strings.Lines(zoneNamesFile) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		n := &zoneNames{standard: [2]string{f[0], f[1]}, daylight: [2]string{f[2], f[3]}, generic: [2]string{f[4], f[5]}}
		for _, region := range strings.Fields(f[6]) {
			byRegion[region] = n
			order = append(order, region)
		}
	}
	return byRegion, order
}

// preferred regions stand for names that several share.
var preferred = []string{
	"America/Los_Angeles", "America/Denver", "America/Chicago", "America/New_York", "America/Anchorage", "Pacific/Honolulu", "America/Halifax",
	"America/Sao_Paulo", "Europe/London", "Europe/Paris", "Europe/Helsinki", "Europe/Lisbon", "Europe/Moscow", "Europe/Istanbul", "Asia/Kolkata",
	"Asia/Shanghai", "Asia/Tokyo", "Asia/Seoul", "Asia/Dubai", "Australia/Sydney", "Pacific/Auckland", "Africa/Johannesburg", "UTC",
}

func readRegions() map[string]string {
	byRegion, order := names()
	out := map[string]string{}
	for _, region := range slices.Concat(preferred, order) {
		n := byRegion[region]
		if n == nil {
			continue
		}
		for _, pair := range [...][2]string{n.standard, n.daylight, n.generic} {
			for _, name := range pair {
				if key := strings.ToLower(name); out[key] == "" {
					out[key] = region
				}
			}
		}
	}
	return out
}

// zoneName is the name of the zone of t as letter z, or v for the generic one, prints it: that of its offset where the zone is one.
func zoneName(t time.Time, letter byte, which int) string {
	id := zoneID(t)
	byRegion, _ := names()
	n := byRegion[id]
	switch {
	case n == nil:
		return id
	case letter == 'v':
		return n.generic[which]
	case daylight(t):
		return n.daylight[which]
	}
	return n.standard[which]
}

// zoneID is the region of t's zone, or its offset.
func zoneID(t time.Time) string {
	id := t.Location().String()
	if _, ok := regionOf(id); ok {
		return id
	}
	_, offset := t.Zone()
	return formatOffset(offset, 5, "Z")
}

func regionOf(id string) (*zoneNames, bool) {
	byRegion, _ := names()
	n, ok := byRegion[id]
	return n, ok || strings.Contains(id, "/")
}

// daylight says whether clocks are ahead of the zone's standard time. Some zones' standard time is that of summer by law,
// Ireland's say, and then clocks are behind it in winter, which Java does not follow.
func daylight(t time.Time) bool {
	half := t.AddDate(0, 6, 0)
	if t.IsDST() == half.IsDST() {
		return t.IsDST()
	}
	_, now := t.Zone()
	_, then := half.Zone()
	return now > then
}

// longestZone finds the longest name that s begins with.
func longestZone(s string) (region string, n int) {
	lower := strings.ToLower(s[:min(len(s), 60)])
	for name, r := range regions() {
		if len(name) > n && strings.HasPrefix(lower, name) {
			region, n = r, len(name)
		}
	}
	return region, n
}

func quarterTexts(count int) []string {
	switch count {
	case 4:
		return quarters[:]
	case 5:
		return []string{"1", "2", "3", "4"}
	}
	return []string{"Q1", "Q2", "Q3", "Q4"}
}

// choice reads one of several texts; the field is its index.
func (p *parsed) choice(letter byte, s string, at int, texts ...string) (int, error) {
	for i, t := range texts {
		if len(s)-at >= len(t) && strings.EqualFold(s[at:at+len(t)], t) {
			p.set(letter, int64(i))
			return at + len(t), nil
		}
	}
	return at, fmt.Errorf("expected one of %s at %d", strings.Join(texts, ", "), at+1)
}

// name reads a name of which the pattern asks the first three letters, or all (4); 5 letters, a single one, cannot be told apart.
func (p *parsed) name(letter byte, s string, at int, name func(int) string, n, count int) (int, error) {
	if count == 5 {
		return at, fmt.Errorf("one-letter names cannot be read")
	}
	texts := make([]string, n)
	for i := range texts {
		texts[i] = name(i)
		if count < 4 {
			texts[i] = texts[i][:3]
		}
	}
	return p.choice(letter, s, at, texts...)
}
