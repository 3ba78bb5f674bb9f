package shell

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// figures are what a query has done and what it holds.
type figures struct {
	Tasks                                   int
	RecordsIn, RecordsOut                   int64
	RecordsInPerSecond, RecordsOutPerSecond float64
	BadRecords, LateRecords, DeadLetters    int64
	Lag                                     map[string]int64
	Watermark, StreamTime                   *int64
	LastCommit                              int64
	Memory                                  struct{ Open, Committed, Operators, Waiting int64 }
	DiskBytes                               int64
}

// queryOnServer is a query's part on one server.
type queryOnServer struct {
	Host, State, Error string
	Figures            figures
}

func (f *figures) text() string {
	m := f.Memory
	return facts(
		"Records in", flow(f.RecordsIn, f.RecordsInPerSecond), "Records out", flow(f.RecordsOut, f.RecordsOutPerSecond),
		"Left out", fmt.Sprintf("%d bad, %d late, %d dead letters", f.BadRecords, f.LateRecords, f.DeadLetters),
		"Lag", f.lag(), "Watermark", moment(f.Watermark), "Stream time", moment(f.StreamTime), "Last commit", moment(positive(f.LastCommit)),
		"Memory", fmt.Sprintf("%s: open %s, committed %s, operators %s, waiting %s", byteSize(f.memory()),
			byteSize(m.Open), byteSize(m.Committed), byteSize(m.Operators), byteSize(m.Waiting)),
		"Disk", byteSize(f.DiskBytes), "Tasks", strconv.Itoa(f.Tasks))
}

func (f *figures) memory() int64 {
	return f.Memory.Open + f.Memory.Committed + f.Memory.Operators + f.Memory.Waiting
}

// lag tells the inputs by name, those furthest behind first.
func (f *figures) lag() string {
	topics := slices.SortedFunc(maps.Keys(f.Lag), func(a, b string) int {
		return cmp.Or(cmp.Compare(f.Lag[b], f.Lag[a]), cmp.Compare(a, b))
	})
	parts := make([]string, len(topics))
	for i, t := range topics {
		parts[i] = fmt.Sprintf("%d in %s", f.Lag[t], t)
	}
	return strings.Join(parts, ", ")
}

func (f *figures) behind() (n int64) {
	for _, lag := range f.Lag {
		n += lag
	}
	return n
}

func serverGrid(servers []queryOnServer) grid {
	g := newGrid("Server", "State", "Tasks", "In/s", "Out/s", "Lag", "Memory", "Disk")
	for i := range servers {
		s := &servers[i]
		f := &s.Figures
		state := s.State
		if s.Error != "" {
			state += ": " + s.Error
		}
		g.add(s.Host, state, strconv.Itoa(f.Tasks), rate(f.RecordsInPerSecond), rate(f.RecordsOutPerSecond),
			strconv.FormatInt(f.behind(), 10), byteSize(f.memory()), byteSize(f.DiskBytes))
	}
	return g
}

func flow(n int64, perSecond float64) string {
	return fmt.Sprintf("%d (%s a second)", n, rate(perSecond))
}

func rate(perSecond float64) string { return strconv.FormatFloat(perSecond, 'f', -1, 64) }

func positive(ms int64) *int64 {
	if ms <= 0 {
		return nil
	}
	return &ms
}

// moment is a time in ms since the epoch; "" for none.
func moment(ms *int64) string {
	if ms == nil {
		return ""
	}
	return time.UnixMilli(*ms).UTC().Format("2006-01-02T15:04:05.000Z")
}

// byteSize is a number of bytes with the largest unit of which there is one at least.
func byteSize(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	v, i := float64(n), 0
	for v >= 1024 && i < len(units)-1 {
		v, i = v/1024, i+1
	}
	if i == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", v, units[i])
}
