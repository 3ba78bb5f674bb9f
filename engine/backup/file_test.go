package backup

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
)

// file is a whole backup with commands at the offsets.
func file(t *testing.T, offsets ...int64) *bytes.Reader {
	t.Helper()
	var b bytes.Buffer
	w := newWriter(&b)
	lines := []line{{Head: &head{Format: format, Service: "s", Taken: "2026-01-01T00:00:00Z"}}}
	for _, at := range offsets {
		lines = append(lines, line{Command: &entry{Offset: at, Value: []byte(`{"format":2,"changes":[]}`)}})
	}
	for _, l := range append(lines, line{End: &trailer{Commands: len(offsets)}}) {
		if err := w.line(l); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(b.Bytes())
}

// TestOffsetsAreBelieved up to a point: Restore writes a record for every offset that it skips, so a file that says any number
// would have it write without end.
func TestOffsetsAreBelieved(t *testing.T) {
	for _, ok := range [][]int64{nil, {0}, {0, 2, 4}, {7, 100, maxGap}, {maxGap, maxGap + 2, maxGap + 4}} {
		if s, err := Check(file(t, ok...)); err != nil || s.Commands != len(ok) {
			t.Errorf("commands at %v: %+v, %v", ok, s, err)
		}
	}
	for _, bad := range [][]int64{{0, maxGap + 3}, {1 << 62}, {maxGap / 2, maxGap + 3}, {3, 3}, {3, 2}, {-1}} {
		if _, err := Check(file(t, bad...)); !errors.Is(err, ErrFile) || !strings.Contains(err.Error(), "offset") {
			t.Errorf("commands at %v: %v", bad, err)
		}
	}
}

// TestFormats reads a backup that release 1 wrote, which is never changed, and refuses one of a later format.
func TestFormats(t *testing.T) {
	b, err := os.ReadFile("testdata/release_1.backup")
	if err != nil {
		t.Fatal(err)
	}
	s, err := Check(bytes.NewReader(b))
	if err != nil || s.Service != "shop_" || s.Commands != 2 || s.Chunks != 1 || s.Taken.Unix() != 1795330800 {
		t.Errorf("%+v, %v", s, err)
	}
	later := bytes.Replace(b, []byte(`{"format":1,`), []byte(`{"format":2,"sealed":true,`), 1)
	if _, err := Check(bytes.NewReader(later)); !errors.Is(err, ErrFile) || !strings.Contains(err.Error(), "knows up to 1") {
		t.Errorf("of a later release: %v", err)
	}
}
