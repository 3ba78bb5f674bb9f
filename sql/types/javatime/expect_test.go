package javatime

import (
	_ "embed"
	"strconv"
	"strings"
	"testing"
	"time"
)

// expectations are what Java makes of patterns; see testdata/Expect.java.
//
//go:embed testdata/expect.tsv
var expectations string

func TestExpectations(t *testing.T) {
	lines := 0
	for line := range strings.Lines(expectations) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		want := f[len(f)-1]
		if got := expect(t, f[0], f[1:len(f)-1]); got != want {
			t.Errorf("%s: got %s", strings.ReplaceAll(strings.TrimSpace(line), "\t", " | "), got)
		}
		lines++
	}
	if lines < 2000 {
		t.Errorf("%d expectations", lines)
	}
}

func expect(t *testing.T, kind string, cols []string) string {
	t.Helper()
	f, err := Compile(cols[0])
	if err != nil {
		return "refused"
	}
	number := func(s string) int64 {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	var n int64
	var s string
	switch kind {
	case "c":
		return "ok"
	case "f":
		loc, err := Zone(cols[1])
		if err != nil {
			t.Fatal(err)
		}
		s, err = f.Format(number(cols[2]), loc)
		return orRefused(s, err)
	case "d":
		s, err = f.FormatDate(int32(number(cols[1])))
		return orRefused(s, err)
	case "t":
		s, err = f.FormatTime(int32(number(cols[1])))
		return orRefused(s, err)
	case "D":
		var days int32
		days, err = f.ParseDate(cols[1], true)
		n = int64(days)
	case "T":
		var ms int32
		ms, err = f.ParseTime(cols[1])
		n = int64(ms)
	case "Z":
		n, err = f.ParseTimestamp(cols[1], time.UTC)
	default:
		t.Fatalf("unknown kind %s", kind)
	}
	return orRefused(strconv.FormatInt(n, 10), err)
}

func orRefused(s string, err error) string {
	if err != nil {
		return "refused"
	}
	return s
}
