package model

import (
	"math"
	"slices"
)

// Histogram counts numbers whose range nobody knows beforehand. Its bins are eight to every power of two from 2^-32 to 2^32, of either
// sign, so a number is known to within an eighth of it; smaller ones count as 0, larger ones as the largest. Only bins that hold
// something are kept: at most 1,025. The zero value is empty and ready. It can be added up with others, which is how it comes from the
// tasks of a server and from the servers of a service.
type Histogram struct {
	Bins  []Bin   `json:"b,omitempty"` // ascending by key
	Count int64   `json:"n"`
	Sum   float64 `json:"s"`
	Min   float64 `json:"lo"` // of no number: 0
	Max   float64 `json:"hi"`
}

// Bin is one bin: Key 0 holds zero, positive keys ascend with the numbers, negative ones are those of negative numbers.
type Bin struct {
	Key   int32 `json:"k"`
	Count int64 `json:"n"`
}

const (
	binBits  = 3                      // of the mantissa: eight bins to a power of two
	binShift = 52 - binBits           // what of a float64's bits is left out
	firstBin = (1023-32)<<binBits - 1 // the bits of the bin before key 1
	lastKey  = 64 << binBits          // of 2^32 and above
	farthest = 1e100                  // what is beyond, infinity too, counts as this: sums stay numbers
)

// binKey finds the bin of a number, which is not NaN.
func binKey(v float64) int32 {
	k := int64(math.Float64bits(math.Abs(v))>>binShift) - firstBin
	k = min(max(k, 0), lastKey)
	if v < 0 {
		k = -k
	}
	return int32(k)
}

// binFloor is the end of a bin that is nearer to 0.
func binFloor(key int32) float64 {
	if key == 0 {
		return 0
	}
	v := math.Float64frombits(uint64(int64(max(key, -key))+firstBin) << binShift)
	return math.Copysign(v, float64(key))
}

// Add counts a number n times. NaN is not counted.
func (h *Histogram) Add(v float64, n int64) {
	if v != v {
		return
	}
	v = min(max(v, -farthest), farthest)
	if h.Count == 0 {
		h.Min, h.Max = v, v
	}
	h.Min, h.Max = min(h.Min, v), max(h.Max, v)
	h.Count += n
	h.Sum += v * float64(n)
	h.bin(binKey(v), n)
}

func (h *Histogram) bin(key int32, n int64) {
	i, size := 0, len(h.Bins)
	for size > 1 { // without a branch, which would be guessed wrong at every other step, and that takes most of what statistics take
		half := size >> 1
		after := int64(h.Bins[i+half-1].Key) - int64(key) // negative: the place is behind the half
		i += half & int(after>>63)
		size -= half
	}
	if size == 1 && h.Bins[i].Key < key {
		i++
	}
	if i == len(h.Bins) || h.Bins[i].Key != key {
		h.Bins = slices.Insert(h.Bins, i, Bin{Key: key})
	}
	h.Bins[i].Count += n
}

// Merge adds what another histogram has counted.
func (h *Histogram) Merge(o *Histogram) {
	if o.Count == 0 {
		return
	}
	if h.Count == 0 {
		h.Min, h.Max = o.Min, o.Max
	}
	h.Min, h.Max = min(h.Min, o.Min), max(h.Max, o.Max)
	h.Count += o.Count
	h.Sum += o.Sum
	for _, b := range o.Bins {
		if b.Count > 0 {
			h.bin(b.Key, b.Count)
		}
	}
}

// reset forgets the counts and keeps the bins, which are likely to be filled again.
func (h *Histogram) reset() {
	for i := range h.Bins {
		h.Bins[i].Count = 0
	}
	h.Count, h.Sum, h.Min, h.Max = 0, 0, 0, 0
}

// Mean is the average; of nothing it is NaN.
func (h *Histogram) Mean() float64 { return h.Sum / float64(h.Count) }

// Quantile is about the number below which a share q of those counted lies: exact to its bin. Of nothing it is NaN.
func (h *Histogram) Quantile(q float64) float64 {
	if h.Count == 0 {
		return math.NaN()
	}
	rank := int64(math.Ceil(q * float64(h.Count)))
	for _, b := range h.Bins {
		if rank -= b.Count; rank <= 0 && b.Count > 0 {
			return min(max(b.middle(), h.Min), h.Max)
		}
	}
	return h.Max
}

// middle is a number that stands for a bin.
func (b Bin) middle() float64 {
	if b.Key == 0 {
		return 0
	}
	away := b.Key + 1
	if b.Key < 0 {
		away = b.Key - 1
	}
	return (binFloor(b.Key) + binFloor(away)) / 2
}

// Cumulative counts the numbers of each bin whose middle is at most a bound; the bounds ascend.
func (h *Histogram) Cumulative(bounds []float64) []uint64 {
	out := make([]uint64, len(bounds))
	for _, b := range h.Bins {
		i, _ := slices.BinarySearch(bounds, b.middle())
		for ; i < len(out); i++ {
			out[i] += uint64(b.Count)
		}
	}
	return out
}
