package cli

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// byteSize is a flag's number of bytes: 1073741824, or with a binary unit, 512MiB or 1GiB.
type byteSize int64

var byteUnits = []struct {
	name  string
	bytes int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}}

// Set implements [pflag.Value].
func (b *byteSize) Set(text string) error {
	number, unit := text, int64(1)
	for _, u := range byteUnits {
		if rest, ok := strings.CutSuffix(text, u.name); ok {
			number, unit = rest, u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/unit {
		return fmt.Errorf("%q is no size: write a number of bytes, or one with KiB, MiB or GiB, as in 512MiB", text)
	}
	*b = byteSize(n * unit)
	return nil
}

// String implements [pflag.Value]: the largest unit that has no remainder.
func (b *byteSize) String() string {
	for _, u := range byteUnits {
		if n := int64(*b); n > 0 && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(*b), 10)
}

// Type implements [pflag.Value].
func (b *byteSize) Type() string { return "bytes" }
