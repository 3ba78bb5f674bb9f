package model

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Distribution is what an input or an output of a version has been: numbers in bins, or classes. The zero value is empty and ready.
type Distribution struct {
	Missing int64            `json:"m,omitempty"` // rows that had no value
	Numbers Histogram        `json:"h"`
	Classes map[string]int64 `json:"c,omitempty"` // at most maxClasses, each cut to maxClassBytes
	Other   int64            `json:"o,omitempty"` // rows of classes that found no place
}

const (
	maxClasses    = 64
	maxClassBytes = 64
)

// addClass counts a text n times. It allocates where the text is new.
func (d *Distribution) addClass(text string, n int64) {
	text = text[:min(len(text), maxClassBytes)]
	_, known := d.Classes[text]
	switch {
	case known:
		d.Classes[text] += n
	case len(d.Classes) >= maxClasses:
		d.Other += n
	default:
		if d.Classes == nil {
			d.Classes = map[string]int64{}
		}
		d.Classes[strings.Clone(strings.ToValidUTF8(text, "?"))] += n
	}
}

// addInteger counts a number as a class: labels are numbers that mean nothing.
func (d *Distribution) addInteger(v, n int64) {
	var digits [20]byte
	text := strconv.AppendInt(digits[:0], v, 10)
	if _, known := d.Classes[string(text)]; known {
		d.Classes[string(text)] += n
		return
	}
	d.addClass(string(text), n)
}

// Count is the number of rows that had a value.
func (d *Distribution) Count() int64 {
	n := d.Numbers.Count + d.Other
	for _, c := range d.Classes {
		n += c
	}
	return n
}

// MissingRate is the share of rows that had no value.
func (d *Distribution) MissingRate() float64 {
	if d.Missing == 0 {
		return 0
	}
	return float64(d.Missing) / float64(d.Missing+d.Count())
}

// Merge adds what another distribution has counted.
func (d *Distribution) Merge(o *Distribution) {
	d.Missing += o.Missing
	d.Other += o.Other
	d.Numbers.Merge(&o.Numbers)
	for _, c := range slices.Sorted(maps.Keys(o.Classes)) {
		if n := o.Classes[c]; n > 0 {
			d.addClass(c, n)
		}
	}
}

// reset forgets the counts and keeps the places.
func (d *Distribution) reset() {
	d.Missing, d.Other = 0, 0
	d.Numbers.reset()
	for c := range d.Classes {
		d.Classes[c] = 0
	}
}

// mergeAll adds distributions one by one; a longer list makes the other as long.
func mergeAll(into, from []Distribution) []Distribution {
	for len(into) < len(from) {
		into = append(into, Distribution{})
	}
	for i := range from {
		into[i].Merge(&from[i])
	}
	return into
}
