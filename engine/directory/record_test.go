package directory

import (
	"reflect"
	"strings"
	"testing"
)

// TestRecordFormats reads a beat as release 1 wrote it, also with what a later release adds, and refuses one of a later version.
func TestRecordFormats(t *testing.T) {
	want := beat{Version: 1, URL: "http://one:8088", Slots: []int32{1, 2}}
	for _, text := range []string{
		`{"v":1,"url":"http://one:8088","slots":[1,2]}`,
		`{"v":1,"url":"http://one:8088","slots":[1,2],"zone":"added by a later release"}`,
	} {
		var b beat
		if err := decode([]byte(text), &b); err != nil || b.URL != want.URL || !reflect.DeepEqual(b.Slots, want.Slots) {
			t.Errorf("%s: %+v, %v", text, b, err)
		}
	}
	for text, word := range map[string]string{
		`{"v":2,"slots":"in another form"}`: "later release",
		`{"slots":[1]}`:                     "no format version",
		`{"v":1,"slots":"x"}`:               "slots",
	} {
		if err := decode([]byte(text), &beat{}); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
