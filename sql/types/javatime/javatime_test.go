package javatime

import (
	"strings"
	"testing"
	"time"
)

func compile(t *testing.T, pattern string) *Formatter {
	t.Helper()
	f, err := Compile(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

const moment = 1526075913042 // 2018-05-11T21:58:33.042Z, a Friday

func TestFormat(t *testing.T) {
	for _, c := range []struct{ pattern, zone, want string }{
		{"yyyy-MM-dd'T'HH:mm:ss.SSSX", "UTC", "2018-05-11T21:58:33.042Z"},
		{"yyyy-MM-dd HH:mm:ss zzz", "America/Los_Angeles", "2018-05-11 14:58:33 PDT"},
		{"yyyy-MM-dd HH:mm:ss zzz", "Europe/London", "2018-05-11 22:58:33 BST"},
		{"d/M/yy h:m a, EEE EEEE MMM MMMM", "UTC", "11/5/18 9:58 PM, Fri Friday May May"},
		{"uuuuMMddHHmmssSSS D Q QQQ QQQQ G", "UTC", "20180511215833042 131 2 Q2 2nd quarter AD"},
		{"X XX XXX x xxx Z ZZZZ ZZZZZ O OOOO VV", "Asia/Kolkata", "+0530 +0530 +05:30 +0530 +05:30 +0530 GMT+05:30 +05:30 GMT+5:30 GMT+05:30 Asia/Kolkata"},
		{"X x Z ZZZZ ZZZZZ O VV z", "UTC", "Z +00 +0000 GMT Z GMT UTC UTC"},
		{"k K H h A n S SSSSSS", "+03:00", "24 0 0 12 3513042 42000000 0 042000"},
		{"''yyyy'' 'it''s'[ HH]", "UTC", "'2018' it's 21"},
		{"yyyyyy y", "UTC", "002018 2018"},
	} {
		loc, err := Zone(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := compile(t, c.pattern).Format(moment, loc); got != c.want || err != nil {
			t.Errorf("%s in %s: got %s, want %s: %v", c.pattern, c.zone, got, c.want, err)
		}
	}
}

func TestParseTimestamp(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          int64 // -1: refused
	}{
		{"yyyy-MM-dd'T'HH:mm:ssX", "2018-05-11T21:58:33Z", 1526075913000},
		{"yyyy-MM-dd'T'HH:mm:ssX", "2018-05-11t21:58:33z", 1526075913000},
		{"yyyy-MM-dd'T'HH:mm:ss.SX", "2019-08-27T13:31:09.2+0000", 1566912669200},
		{"yyyy-MM-dd'T'HH:mm:ss zzz", "2018-05-11T21:58:33 PST", 1526101113000},
		{"yyyy-MM-dd HH:mm:ss VV", "2018-05-11 21:58:33 Europe/Paris", 1526068713000},
		{"yyyyMMddHHmmssSSS", "20180511215833042", moment},
		{"yy-MM-dd HH:mm:ssX", "18-05-11 21:58:33-01", 1526079513000},
		{"dd-MMM-yyyy hh:mm a", "11-MAY-2018 09:58 pm", 1526075880000},
		{"EEEE, d MMMM yyyy[ HH:mm]", "Friday, 11 May 2018", 1525996800000},
		{"EEEE, d MMMM yyyy[ HH:mm]", "friday, 11 may 2018 21:58", 1526075880000},
		{"yyyy-D", "2018-131", 1525996800000},
		{"yyyy-MM-dd", "2018-02-31", 1519776000000},
		{"yyyy-MM-dd", "2018-2-03", -1},
		{"yyyy-MM-dd", "2018-13-03", -1},
		{"yyyy-MM-dd", "2018-12-03x", -1},
		{"yyyy-MM-dd", "not a timestamp", -1},
		{"yyyy-MM-dd", "", -1},
		{"HH:mm zzz", "10:00 NOWHERE/AT", -1},
		{"HH:mm", "24:00", 0},
		{"yyyy-MM-dd HH:mm", "2018-05-11 24:00", 1526083200000},
		{"HH:mm", "24:01", -1},
		{"yyyy-D", "2018-366", -1},
		{"yyyy Q", "2020 2", 1585699200000},
		{"yyyy Q", "2020 5", -1},
		{"yyyy Q", "2020 0", -1},
	} {
		got, err := compile(t, c.pattern).ParseTimestamp(c.text, time.UTC)
		if err != nil {
			got = -1
		}
		if got != c.want {
			t.Errorf("%s by %s: got %d (%v), want %d", c.text, c.pattern, got, err, c.want)
		}
	}
}

func TestParseTimeAndDate(t *testing.T) {
	if ms, err := compile(t, "HH:mm:ss'Lit'").ParseTime("00:01:05Lit"); err != nil || ms != 65000 {
		t.Errorf("got %d, %v", ms, err)
	}
	if ms, err := compile(t, "hh:mm:ss a").ParseTime("01:00:00 Pm"); err != nil || ms != 46800000 {
		t.Errorf("got %d, %v", ms, err)
	}
	if days, err := compile(t, "dd-MMM-yyyy").ParseDate("01-Jan-2022", false); err != nil || days != 18993 {
		t.Errorf("got %d, %v", days, err)
	}
}

func TestPatternsRefused(t *testing.T) {
	for _, p := range []string{"www", "BB", "zzzzz", "V", "OO", "pp", "'open", "]", "{", "#", "MMMMMM", "R", strings.Repeat("y ", 300), strings.Repeat("[", 12)} {
		if _, err := Compile(p); err == nil {
			t.Errorf("%.20s is accepted", p)
		}
	}
	for _, z := range []string{"", "Local", "../x", "/etc", "+19:00", "+", "UTC+", "Mars/Olympus"} {
		if _, err := Zone(z); err == nil {
			t.Errorf("zone %q is accepted", z)
		}
	}
}

// Whatever a full pattern prints it reads back.
func FuzzRoundTrip(f *testing.F) {
	f.Add("yyyy-MM-dd'T'HH:mm:ss.SSSX", "2018-05-11T21:58:33.042Z", int64(moment))
	f.Add("[d/]M/u h:m:s.n a z", "1/2/2020 3:4:5.6 AM UTC", int64(-1))
	f.Add("EEE, dd MMM yyyy HH:mm:ss Z", "Fri, 11 May 2018 21:58:33 +0000", int64(0))
	f.Fuzz(func(t *testing.T, pattern, text string, ms int64) {
		fm, err := Compile(pattern)
		if err != nil {
			return
		}
		_, _ = fm.ParseTimestamp(text, time.UTC)
		ms %= 253402300800000 // year 9999
		_, _ = fm.Format(ms, time.UTC)
		_, _ = fm.FormatDate(int32(ms / 1e6))
		_, _ = fm.FormatTime(int32(ms % 86_400_000))
		_, _ = fm.ParseDate(text, true)
		_, _ = fm.ParseTime(text)
		full := compile(t, "[GGG]uuuu-MM-dd HH:mm:ss.SSS "+"XXXXX")
		printed, err := full.Format(ms, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := full.ParseTimestamp(printed, time.UTC); err != nil || got != ms && ms >= -62135596800000 {
			t.Fatalf("%d printed %q, read back as %d: %v", ms, printed, got, err)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	f, err := Compile("yyyy-MM-dd'T'HH:mm:ssX")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := f.ParseTimestamp("2018-05-11T21:58:33Z", time.UTC); err != nil {
			b.Fatal(err)
		}
	}
}
