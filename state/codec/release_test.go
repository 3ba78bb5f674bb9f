package codec

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "make the fixture of this format; one that is there is kept")

// release1 holds rows and keys as release 1 wrote them. It is never made anew.
const release1 = "testdata/release_1.json"

// sample is what was written, and what it means.
type sample struct{ Row, Key, Values string }

// TestRelease1 reads what release 1 wrote, and writes the same bytes as long as the format is the first.
//
//	go test ./state/codec -run TestRelease1 -update
func TestRelease1(t *testing.T) {
	if *update {
		makeRelease(t)
	}
	b, err := os.ReadFile(release1)
	if err != nil {
		t.Fatal(err)
	}
	var samples []sample
	if err := json.Unmarshal(b, &samples); err != nil || len(samples) < 20 {
		t.Fatalf("%d samples, %v", len(samples), err)
	}
	row, key := NewRow(columns), NewKey(columns)
	for i, s := range samples {
		stored, err1 := hex.DecodeString(s.Row)
		ordered, err2 := hex.DecodeString(s.Key)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		values, err := row.DecodeValues(stored)
		if err != nil || printed(values) != s.Values {
			t.Errorf("row %d is %s, want %s, %v", i, printed(values), s.Values, err)
		}
		fromKey, rest, err := key.DecodeValues(ordered)
		if err != nil || len(rest) > 0 || printed(fromKey) != s.Values {
			t.Errorf("key %d is %s, want %s, %v", i, printed(fromKey), s.Values, err)
		}
		if again := row.AppendValues(nil, values); !bytes.Equal(again, stored) {
			t.Errorf("row %d is written otherwise: %x", i, again)
		}
		if again := key.AppendValues(nil, fromKey); !bytes.Equal(again, ordered) {
			t.Errorf("key %d is written otherwise: %x", i, again)
		}
	}
}

// TestLaterVersion: a row of a later release is refused by its first byte, whatever follows.
func TestLaterVersion(t *testing.T) {
	row := NewRow(columns)
	for _, version := range []byte{0, 2, 255} {
		var v *VersionError
		if _, err := row.DecodeValues([]byte{version, 0, 0, 1}); !errors.As(err, &v) || v.Found != version || !strings.Contains(err.Error(), "format version") {
			t.Errorf("version %d: %v", version, err)
		}
	}
}

func printed(values []any) string { return strconv.QuoteToASCII(fmt.Sprint(values...)) }

func makeRelease(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(release1); err == nil {
		t.Fatalf("%s is there: what a release has written does not change; a new format gets a file of its own", release1)
	}
	r := rand.New(rand.NewPCG(1, 1))
	var samples []sample
	for range 24 {
		values := make([]any, len(columns))
		for i, c := range columns {
			values[i] = random(r, c)
		}
		s := sample{hex.EncodeToString(NewRow(columns).AppendValues(nil, values)), hex.EncodeToString(NewKey(columns).AppendValues(nil, values)), ""}
		samples = append(samples, s)
		stored, err := NewRow(columns).DecodeValues(NewRow(columns).AppendValues(nil, values))
		if err != nil {
			t.Fatal(err)
		}
		samples[len(samples)-1].Values = printed(stored)
	}
	b, err := json.MarshalIndent(samples, "", " ")
	if err == nil {
		err = errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(release1, append(b, '\n'), 0o644))
	}
	if err != nil {
		t.Fatal(err)
	}
}
