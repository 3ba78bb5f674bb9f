package builtin

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// FuzzParseJSON holds the scanner to the decoder that it spares.
func FuzzParseJSON(f *testing.F) {
	for _, s := range []string{
		`{"a":[1,2.50,-3e7,"x",null,true,false,{}],"a":{"b":[]}}`, ` [ 1 , "\u00e9\n\ud83d\ude00\ud800" ] `, `"\\\""`, `12`, ` null `, `{}}`, `[1`, "\"\xff\"",
		`{"é\t":1,"":2}`, strings.Repeat("[", maxJSONDepth+5) + strings.Repeat("]", maxJSONDepth+5), ``, `nul`, "\x00",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, more, err := parseJSON(s)
		want, moreWanted, wantErr := parseFirst(s)
		if (err == nil) != (wantErr == nil) || err == nil && (more != moreWanted || !reflect.DeepEqual(got, want)) {
			t.Fatalf("%q: got %v, %v, %v, want %v, %v, %v", s, got, more, err, want, moreWanted, wantErr)
		}
		if err == nil && !more && !json.Valid([]byte(s)) {
			t.Fatalf("%q is read as JSON", s)
		}
	})
}
