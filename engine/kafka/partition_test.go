package kafka

import "testing"

// TestMurmur2 has the values that Kafka's own tests fix for its hash.
func TestMurmur2(t *testing.T) {
	for key, want := range map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536, "a-little-bit-longer-string": -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971, "abc": 479470107,
	} {
		if got := int32(murmur2([]byte(key))); got != want {
			t.Errorf("murmur2(%q) = %d, want %d", key, got, want)
		}
		if p := PartitionFor([]byte(key), 7); p != (want&0x7fffffff)%7 {
			t.Errorf("partition of %q is %d", key, p)
		}
	}
}

func TestSequenceWraps(t *testing.T) {
	for _, tc := range [][3]int32{{0, 5, 5}, {1<<31 - 1, 1, 0}, {1<<31 - 3, 5, 2}} {
		if got := nextSequence(tc[0], tc[1]); got != tc[2] {
			t.Errorf("after %d records from %d comes %d, want %d", tc[1], tc[0], got, tc[2])
		}
	}
}
