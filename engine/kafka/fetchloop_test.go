package kafka

import (
	"slices"
	"testing"
)

// TestChoose: every position of a partition has its turn, with all feeds that are there and those further on.
func TestChoose(t *testing.T) {
	feeds := func() (list []*feed) {
		for _, position := range []int64{9, 4, 9, 7} {
			list = append(list, &feed{position: position})
		}
		return list
	}
	var positions []int64
	for turn := range 4 {
		a := &asked{feeds: feeds()}
		if !a.choose(turn) {
			t.Error("three positions are said to be one")
		}
		for _, d := range a.feeds {
			if d.position != a.position {
				t.Errorf("a feed at %d is asked for at %d", d.position, a.position)
			}
		}
		for _, d := range a.beyond {
			if d.position <= a.position {
				t.Errorf("a feed at %d has nothing from what follows %d", d.position, a.position)
			}
		}
		positions = append(positions, a.position, int64(len(a.feeds)), int64(len(a.beyond)))
	}
	if want := []int64{4, 1, 3, 7, 1, 2, 9, 2, 0, 4, 1, 3}; !slices.Equal(positions, want) {
		t.Errorf("position, feeds there and beyond, turn by turn: %v, want %v", positions, want)
	}
	a := &asked{feeds: []*feed{{position: 3}, {position: 3}}}
	if a.choose(7) || a.position != 3 || len(a.feeds) != 2 {
		t.Errorf("two feeds at one position are asked for so: %+v", a)
	}
}

func TestFrom(t *testing.T) {
	b := FetchedBatch{Records: []Record{{Offset: 2}, {Offset: 5}, {Offset: 6}}, Next: 9}
	for _, c := range []struct {
		position int64
		records  int
		bytes    int
	}{{1, 3, 300}, {2, 3, 300}, {3, 2, 200}, {6, 1, 100}, {7, 0, 0}} {
		got, bytes := b.from(c.position, 300)
		if len(got.Records) != c.records || bytes != c.bytes || got.Next != 9 {
			t.Errorf("from %d on: %d records, %d bytes, next %d; want %d, %d, 9", c.position, len(got.Records), bytes, got.Next, c.records, c.bytes)
		}
	}
}
