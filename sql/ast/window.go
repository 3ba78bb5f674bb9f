package ast

import (
	"math"
	"strings"
	"time"
)

// WindowKind is the kind of a Window.
type WindowKind string

// The kinds of windows.
const (
	Tumbling WindowKind = "TUMBLING"
	Hopping  WindowKind = "HOPPING"
	Session  WindowKind = "SESSION"
)

// Window is the WINDOW clause of a Select.
type Window struct {
	Loc
	Name      *Ident // WINDOW name TUMBLING (...), or nil
	Kind      WindowKind
	Size      *Duration // never nil; the gap of a SESSION window
	Advance   *Duration // HOPPING only, and never nil there
	Retention *Duration // nil if there is none
	Grace     *Duration // nil if there is none
}

// Within is the WITHIN clause of a Join. WITHIN n unit sets Before and After to the same.
type Within struct {
	Loc
	Before, After *Duration
	Grace         *Duration // nil if there is none
}

// Duration is a number and a unit: 5 MINUTES.
type Duration struct {
	Loc
	Value int64
	Unit  string // DAY, HOUR, MINUTE, SECOND, MILLISECOND or their plural, as written
}

var units = map[string]time.Duration{
	"DAY":         24 * time.Hour,
	"HOUR":        time.Hour,
	"MINUTE":      time.Minute,
	"SECOND":      time.Second,
	"MILLISECOND": time.Millisecond,
}

// IsUnit says whether word, in upper case, is a unit of a Duration.
func IsUnit(word string) bool { return units[strings.TrimSuffix(word, "S")] != 0 }

// Millis is the length in milliseconds; false if 64 bits do not hold it.
func (d *Duration) Millis() (int64, bool) {
	unit := units[strings.TrimSuffix(d.Unit, "S")].Milliseconds()
	if unit == 0 || d.Value < 0 || d.Value > math.MaxInt64/unit {
		return 0, false
	}
	return d.Value * unit, true
}
