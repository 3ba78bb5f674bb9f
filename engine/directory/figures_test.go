package directory

import (
	"reflect"
	"testing"
)

// TestAdd: figures of servers are summed up, times are the lowest and the highest, and what was added stays as it was.
func TestAdd(t *testing.T) {
	at := func(ms int64) *int64 { return &ms }
	one := Figures{
		Tasks: 1, RecordsIn: 1, RecordsOut: 2, RecordsInPerSecond: 0.5, RecordsOutPerSecond: 1, BadRecords: 3, LateRecords: 4, DeadLetters: 5,
		Lag: map[string]int64{"a": 6, "b": 7}, Watermark: at(10), StreamTime: at(20), LastCommit: 8, Memory: Memory{1, 2, 3, 4}, DiskBytes: 9,
	}
	two := Figures{
		Tasks: 2, RecordsIn: 10, RecordsOut: 20, RecordsInPerSecond: 5, RecordsOutPerSecond: 10, BadRecords: 30, LateRecords: 40, DeadLetters: 50,
		Lag: map[string]int64{"b": 70}, Watermark: at(5), StreamTime: at(15), LastCommit: 80, Memory: Memory{10, 20, 30, 40}, DiskBytes: 90,
	}
	want := Figures{
		Tasks: 3, RecordsIn: 11, RecordsOut: 22, RecordsInPerSecond: 5.5, RecordsOutPerSecond: 11, BadRecords: 33, LateRecords: 44, DeadLetters: 55,
		Lag: map[string]int64{"a": 6, "b": 77}, Watermark: at(5), StreamTime: at(20), LastCommit: 80, Memory: Memory{11, 22, 33, 44}, DiskBytes: 99,
	}
	var sum Figures
	for _, f := range []Figures{{}, one, {}, two} {
		sum.Add(f)
	}
	if !reflect.DeepEqual(sum, want) {
		t.Errorf("the sum is %+v, want %+v", sum, want)
	}
	if sum.LagAll() != 83 || sum.Memory.Total() != 110 || one.LagAll() != 13 {
		t.Errorf("lag %d, memory %d, and the first has a lag of %d", sum.LagAll(), sum.Memory.Total(), one.LagAll())
	}
}
