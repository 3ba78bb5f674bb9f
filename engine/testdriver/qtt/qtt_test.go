package qtt

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// own is a file of cases in the peer's form, one for each way to end.
const own = `{
  // a comment, and "text // in a string"
  "tests": [
    {"name": "passes", "format": ["JSON", "DELIMITED"],
     "statements": ["CREATE STREAM s (k INT KEY, v BIGINT) WITH (kafka_topic='in', value_format='JSON');",
                    "CREATE STREAM o WITH (value_format='{FORMAT}') AS SELECT k, v + 1 AS w FROM s WHERE v > 1;"],
     "inputs": [{"topic": "in", "key": 1, "value": {"V": 1}}, {"topic": "in", "key": 2, "value": {"v": 2}, "timestamp": 9}],
     "outputs": [{"topic": "O", "key": 2, "value": {"W": 3}, "timestamp": 9}]},
    {"name": "differs", /* in its value */
     "statements": ["CREATE STREAM s (k INT KEY, v BIGINT) WITH (kafka_topic='in', value_format='JSON');",
                    "CREATE STREAM o AS SELECT k, v FROM s;"],
     "inputs": [{"topic": "in", "key": 1, "value": {"V": 1}}],
     "outputs": [{"topic": "O", "key": 1, "value": {"V": 2}}]},
    {"name": "refused", "statements": ["CREATE STREAM o AS SELECT k FROM nowhere;"],
     "expectedException": {"message": "NOWHERE does not exist."}},
    {"name": "refused for another reason", "statements": ["CREATE STREAM o AS SELECT k FROM nowhere;"],
     "expectedException": {"message": "some other rule"}},
    {"name": "off", "enabled": false, "statements": ["nonsense"]}
  ]
}`

func TestVerdicts(t *testing.T) {
	dir := t.TempDir()
	rules := "# comment\nname.source\tdoes not exist\njoin.type\tsome other rule\n"
	if err := os.WriteFile(filepath.Join(dir, "rules.tsv"), []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	sub := filepath.Join(dir, "cases")
	if err := os.Mkdir(sub, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(sub, "own.json"), []byte(own), 0o600); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if code := Main([]string{sub}, Options{Summary: true}, &out); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	text := out.String()
	if !strings.HasSuffix(text, "\n2 passed, 3 failed, 1 skipped\n") {
		t.Errorf("last line of\n%s", text)
	}
	for _, want := range []string{
		"FAIL own - differs\n     output value: record 0 of O: {\"V\":1}, expected {\"V\": 2} (at .V)",
		"FAIL own - passes - DELIMITED\n     output value: record 0 of O",
		"FAIL own - refused for another reason\n     other rule: name.source",
		"     2  output value\n     1  other rule",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("missing %q in\n%s", want, text)
		}
	}
	if code := Main([]string{filepath.Join(dir, "absent")}, Options{}, &out); code != 1 {
		t.Error("an absent folder is no error")
	}
	if code := Main([]string{sub}, Options{Parse: true, Quiet: true}, &strings.Builder{}); code != 0 {
		t.Error("a statement does not parse")
	}
}

func TestSatisfies(t *testing.T) {
	for _, c := range []struct {
		code, rule string
		want       bool
	}{
		{"join.type", "join.type", true},
		{"join.type.full", "join.type", true},
		{"join.types", "join.type", false},
		{"join", "join.type", false},
		{"anything", "", true},
		{"", "", false},
	} {
		if got := Satisfies(c.code, c.rule); got != c.want {
			t.Errorf("Satisfies(%q, %q) = %v", c.code, c.rule, got)
		}
	}
}

func TestSameNumber(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"1", "1", true},
		{"1", "2", false},
		{"1.0", "1", true},
		{"0.1", "0.10000000001", true},
		{"9223372036854775807", "9223372036854775806", false},
		{"1e2", "100", true},
		{"1.5", "1.6", false},
	} {
		if got := sameNumber(c.a, c.b); got != c.want {
			t.Errorf("sameNumber(%s, %s) = %v", c.a, c.b, got)
		}
	}
}
