package cli

import "testing"

func TestByteSize(t *testing.T) {
	for text, want := range map[string]struct {
		bytes int64
		shown string
	}{
		"1GiB": {1 << 30, "1GiB"}, "1073741824": {1 << 30, "1GiB"}, "1536MiB": {1536 << 20, "1536MiB"}, "100KiB": {100 << 10, "100KiB"},
		"1000": {1000, "1000"}, "0": {0, "0"},
	} {
		var b byteSize
		if err := b.Set(text); err != nil || int64(b) != want.bytes || b.String() != want.shown {
			t.Errorf("%s: %d bytes, shown as %s, %v; want %d as %s", text, int64(b), b.String(), err, want.bytes, want.shown)
		}
	}
	for _, text := range []string{"", "GiB", "1GB", "-1", "-1MiB", "1.5GiB", "9223372036854775807KiB", "99999999999999999999"} {
		b := byteSize(7)
		if err := b.Set(text); err == nil || b != 7 {
			t.Errorf("%q was taken for %d bytes", text, int64(b))
		}
	}
}
