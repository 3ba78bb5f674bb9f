package operator

import (
	"fmt"
	"strings"
	"testing"

	"github.com/millrace/millrace/engine/record"
)

func TestCoalescer(t *testing.T) {
	for _, c := range []struct{ name, changes, want string }{
		{"the last value stays", "a+1 a=2 a=3", "a=3"},
		{"in the order of first changes", "b=1 a=1 b=2", "b=2 a=1"},
		{"a new key that goes leaves nothing", "a+1 a-", ""},
		{"an old key that goes is deleted", "a=1 a-", "a-"},
		{"a new key that comes back", "a+1 a- a+2", "a=2"},
		{"a deleted key that comes back", "a- a+2", "a=2"},
		{"a deleted key that comes and goes", "a- a+2 a-", "a-"},
	} {
		var out Output
		k := coalescer{out: &out}
		for range 2 { // a drained coalescer begins anew
			out.Reset()
			buf := []byte{0, 0}
			for _, change := range strings.Fields(c.changes) {
				copy(buf, change[:1]) // the caller's bytes change under the coalescer
				r := record.Out{Key: buf[:1]}
				if change[1] != '-' {
					buf[1] = change[2]
					r.Value = buf[1:2]
				}
				k.add(r, change[1] == '+')
			}
			k.drain()
			var got []string
			for _, r := range out.Records {
				if r.Value == nil {
					got = append(got, fmt.Sprintf("%s-", r.Key))
				} else {
					got = append(got, fmt.Sprintf("%s=%s", r.Key, r.Value))
				}
			}
			if text := strings.Join(got, " "); text != c.want {
				t.Errorf("%s: %s becomes %s, want %s", c.name, c.changes, text, c.want)
			}
		}
	}
}
