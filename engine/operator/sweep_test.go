package operator

import "testing"

// TestPieceEnds: a piece ends where it has enough rows or bytes, but not before a key that the task's state could not hold.
func TestPieceEnds(t *testing.T) {
	short, long := make([]byte, maxOwedKey), make([]byte, maxOwedKey+1)
	rows, size, fresh := piece{limit: 2}, piece{limit: 2}, piece{limit: 2}
	rows.add(nil)
	if rows.full(short) {
		t.Error("one of two rows is enough")
	}
	rows.add(nil)
	size.add(make([]byte, pieceBytes))
	for name, p := range map[string]*piece{"rows": &rows, "bytes": &size} {
		if !p.full(short) || p.full(long) {
			t.Errorf("%s: full before a short key %v, before a long one %v", name, p.full(short), p.full(long))
		}
	}
	if fresh.full(short) {
		t.Error("an empty piece is full")
	}
}
