package shell

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func TestKeyFilter(t *testing.T) {
	for in, want := range map[string]string{
		"abc\r":                           "abc\r",
		"\x1b[1~x\x1b[F":                  "\x01x\x05",
		"\x1b[3~":                         string(keyDelete),
		"\x1b[A\x1bOB":                    "\x10\x0e",
		"\x1b[1;5D":                       "\x1bb",
		"\x1b[24~a":                       "a",
		"\x1bb":                           "\x1bb",
		"a\tb":                            "a\tb",
		"\x1b[200~a\tb\x1b[201~\t":        "a    b\t",
		"\x1b[" + strings.Repeat("1", 40): "111111111",
		"é":                               "é",
	} {
		got, err := io.ReadAll(&keyFilter{in: io.NopCloser(strings.NewReader(in))})
		if err != nil || string(got) != want {
			t.Errorf("%q gives %q (%v), want %q", in, got, err, want)
		}
		if strings.HasPrefix(in, "\x1b") {
			continue // byte by byte an escape is a key of its own
		}
		if got, _ := io.ReadAll(&keyFilter{in: io.NopCloser(iotest.OneByteReader(strings.NewReader(in)))}); string(got) != want {
			t.Errorf("%q byte by byte gives %q", in, got)
		}
	}
}

func TestCompleter(t *testing.T) {
	width := 80
	c := completer{names: func() []string { return []string{"ORDERS", "ORDERS_BY_DAY", strings.Repeat("LONG", 30)} }, width: func() int { return width }}
	complete := func(line string) string {
		out, n := c.Do([]rune(line), len([]rune(line)))
		var words []string
		for _, w := range out {
			words = append(words, string(w))
		}
		return fmt.Sprint(n, words)
	}
	for line, want := range map[string]string{
		"sele":             "4 [ct]",
		"SELECT * FROM OR": "2 [ DER DERS DERS_BY_DAY]",
		"select * from or": "2 [ der ders ders_by_day]",
		"sho":              "3 [w]",
		"hel":              "3 [p]",
		"x hel":            "3 []",
		"LONGL":            "5 []",
		"":                 "0 []",
		"a ":               "0 []",
	} {
		if got := complete(line); got != want {
			t.Errorf("%q: %s, want %s", line, got, want)
		}
	}
	width = 8
	if got := complete("or"); got != "2 [ der ders]" {
		t.Errorf("on a narrow screen: %s", got)
	}
}

func TestKeywordsAreSorted(t *testing.T) {
	if !slices.IsSorted(keywords) {
		t.Error("the painter searches keywords by halves: sort them")
	}
}

func TestPaint(t *testing.T) {
	plain := "select 'a''b', `x`, 12 from t -- c"
	got := string(painter{}.Paint([]rune(plain), 0))
	want := colorKeyword + "select" + colorOff + " " + colorString + "'a''b'" + colorOff + ", `x`, " + colorNumber + "12" + colorOff + " " +
		colorKeyword + "from" + colorOff + " t " + colorComment + "-- c" + colorOff
	if got != want {
		t.Errorf("got %q", got)
	}
}

func TestHistory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sub", "history")
	h, err := openHistory(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"SELECT\n  1;", "SELECT 1;", "CREATE MODEL m WITH (Password='x');", "SET 'sasl.jaas.config'='x';", "SHOW STREAMS;"} {
		if _, err := h.add(s); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"SELECT 1;", "SHOW STREAMS;"}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if h, err = openHistory(path); err != nil || !reflect.DeepEqual(h.entries, want) {
		t.Errorf("got %q (%v)", h.entries, err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v (%v)", st.Mode(), err)
	}
	if err := os.WriteFile(path, bytes.Repeat([]byte("x;\n"), 3*maxHistory), 0o600); err != nil {
		t.Fatal(err)
	}
	if h, err = openHistory(path); err != nil || len(h.entries) != maxHistory {
		t.Errorf("%d entries (%v)", len(h.entries), err)
	}
}

func TestTableOnScreen(t *testing.T) {
	f := &fakeServer{}
	s, out, _ := newTestShell(t, f, "table")
	s.screen = Screen{Size: func() (int, int) { return 20, 24 }}
	p := s.printer([]column{{"A", "INTEGER"}, {"TEXT", "STRING"}}, false)
	for _, text := range []string{"short", "日本語日本語日本語日本語", "a longer text than fits"} {
		if err := p.row([]cell{{text: "1"}, {text: text}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.end(); err != nil {
		t.Fatal(err)
	}
	_ = s.out.Flush()
	want := ` A | TEXT
---+----------------
 1 | short
 1 | 日本語日本語日
   | 本語日本語
 1 | a longer text
   | than fits
`
	if out.String() != want {
		t.Errorf("got\n%s", out)
	}
}

// What is shown before the first pause decides the widths; rows that come later and are wider are not.
func TestTableKeepsWidths(t *testing.T) {
	s, out, _ := newTestShell(t, &fakeServer{}, "table")
	p := s.printer([]column{{"A", "INTEGER"}}, true)
	for _, step := range []func() error{
		p.flush,
		func() error { return p.row([]cell{{text: "1"}}) },
		func() error { return p.row([]cell{{text: "1234567890123"}}) },
		p.end,
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	_ = s.out.Flush()
	if out.String() != "        A\n----------\n        1\n 1234567890123\n" {
		t.Errorf("got\n%s", out)
	}
}
