package engine

import "testing"

// TestMemoryIsShared: what is counted makes up about half of the budget, since what is not needs the rest.
func TestMemoryIsShared(t *testing.T) {
	for _, bytes := range []int64{leastMemory, defaultMemory, 64 << 30} {
		b, err := share(bytes)
		if sum := int64(b.state + b.inputs + b.transactions + b.tables + b.operators); err != nil || sum != bytes/16*9 {
			t.Errorf("of %d bytes %d are shared, %v", bytes, sum, err)
		}
	}
	if _, err := share(leastMemory - 1); err == nil {
		t.Error("a budget in which nothing fits was taken")
	}
}
