package bench

import (
	"encoding/json"
	"testing"
)

func TestBidsAreValidAndRepeatable(t *testing.T) {
	a, b := NewGenerator(1, 10_000), NewGenerator(1, 10_000)
	var last, total int64
	for range 10_000 {
		x, auction, time := a.Next(nil)
		y, _, _ := b.Next(nil)
		if string(x) != string(y) {
			t.Fatalf("same seed, different bids:\n%s\n%s", x, y)
		}
		var bid struct {
			Auction, Bidder, Price, DateTime int64
			Channel, URL, Extra              string
		}
		if err := json.Unmarshal(x, &bid); err != nil {
			t.Fatalf("%s: %v", x, err)
		}
		if bid.Auction != auction || bid.Auction < firstID || bid.Price < 100 || bid.Price > 100_000_000 || bid.DateTime != time || time < last {
			t.Fatalf("bid out of range: %s", x)
		}
		last = time
		total += int64(len(x))
	}
	if mean := total / 10_000; mean < 230 || mean > 256 {
		t.Errorf("mean size is %d bytes, want about %d", mean, bidBytes)
	}
}
