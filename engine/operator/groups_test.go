package operator

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func TestGroups(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var g groups
	for range 3 {
		numbers := map[string]int{}
		for range 5000 {
			key, start := fmt.Sprintf("%d", r.IntN(300)), int64(r.IntN(4)*10)
			id := fmt.Sprintf("%s/%d", key, start)
			n, fresh := g.find([]byte(key), start)
			want, known := numbers[id]
			if !known {
				want = len(numbers)
				numbers[id] = want
			}
			if n != want || fresh == known {
				t.Fatalf("find(%s) = %d, %v; want %d, %v", id, n, fresh, want, !known)
			}
			if string(g.key(n)) != key || g.starts[n] != start {
				t.Fatalf("group %d has key %s and start %d, want %s", n, g.key(n), g.starts[n], id)
			}
		}
		if g.len() != len(numbers) {
			t.Fatalf("%d groups, want %d", g.len(), len(numbers))
		}
		g.clear()
	}
}

func BenchmarkGroups(b *testing.B) {
	keys := make([][]byte, 1000)
	for i := range keys {
		keys[i] = fmt.Appendf(nil, "key-%06d", i)
	}
	var g groups
	b.ReportAllocs()
	for i := range b.N {
		g.find(keys[i*7919%len(keys)], 0)
	}
}
