package qtt

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strings"

	"github.com/millrace/millrace/engine/format"
	"github.com/millrace/millrace/engine/record"
	"github.com/millrace/millrace/engine/testdriver"
	"github.com/millrace/millrace/sql/types"
)

// compareOutputs compares every topic that the case expects records of: number, order and content.
func compareOutputs(d *testdriver.Driver, c *Case) error {
	want := map[string][]*Record{}
	var order []string
	for i := range c.Outputs {
		t := c.Outputs[i].Topic
		if want[t] == nil {
			order = append(order, t)
		}
		want[t] = append(want[t], &c.Outputs[i])
	}
	for _, t := range order {
		got, f := d.Outputs(t), FormatsOf(d.Catalog(), c, t)
		f.Schemas = d.Schemas()
		for i, w := range want[t] {
			if i >= len(got) {
				break
			}
			if what, detail := CompareRecord(w, &got[i].Record, f); what != "" {
				return Failf("output "+what, "record %d of %s: %s", i, t, detail)
			}
		}
		if len(got) != len(want[t]) {
			return Failf("output count", "%d records in %s, expected %d%s", len(got), t, len(want[t]), extra(got, len(want[t])))
		}
	}
	return nil
}

func extra(got []testdriver.Record, n int) string {
	if len(got) <= n {
		return ""
	}
	return fmt.Sprintf("; first extra: key %q value %q at %d", got[n].Key, got[n].Value, got[n].Timestamp)
}

// CompareRecord returns which part of a record differs, and how.
func CompareRecord(w *Record, got *record.Record, f Formats) (what, detail string) {
	key := got.Key
	if f.window != nil && key != nil {
		inner, start, end, err := format.SplitWindow(key, *f.window)
		if err != nil {
			return "window", err.Error()
		}
		key = inner
		if w.Window != nil && (start != w.Window.Start || end != w.Window.End) {
			return "window", fmt.Sprintf("[%d, %d], expected [%d, %d]", start, end, w.Window.Start, w.Window.End)
		}
	} else if w.Window != nil {
		return "window", "the key has no window"
	}
	if detail := compareSide(w.Key, key, f.side(w.Topic, true)); detail != "" {
		return "key", detail
	}
	if detail := compareSide(w.Value, got.Value, f.side(w.Topic, false)); detail != "" {
		return "value", detail
	}
	if w.Timestamp != nil && *w.Timestamp != got.Timestamp {
		return "timestamp", fmt.Sprintf("%d, expected %d", got.Timestamp, *w.Timestamp)
	}
	return compareHeaders(w, got)
}

func compareHeaders(w *Record, got *record.Record) (what, detail string) {
	if len(w.Headers) != len(got.Headers) {
		return "headers", fmt.Sprintf("%d headers, expected %d", len(got.Headers), len(w.Headers))
	}
	for i, h := range w.Headers {
		g := got.Headers[i]
		var value []byte
		if h.Value != nil {
			value, _ = base64.StdEncoding.DecodeString(*h.Value)
		}
		if h.Key != g.Key || (h.Value == nil) != (g.Value == nil) || !bytes.Equal(value, g.Value) {
			return "headers", fmt.Sprintf("header %d differs", i)
		}
	}
	return "", ""
}

// compareSide compares a key or value with what the case says; "" if they are equal.
func compareSide(want json.RawMessage, got []byte, s *side) string {
	if isNull(want) || got == nil {
		if isNull(want) && got == nil {
			return ""
		}
		return fmt.Sprintf("%s, expected %s", show(got), orNull(want))
	}
	text := string(got)
	switch s.format.Name {
	case "DELIMITED", "NONE":
		if text == Unquote(want) {
			return ""
		}
		return fmt.Sprintf("%q, expected %q", text, Unquote(want))
	case "KAFKA":
		t := types.String
		if len(s.cols) == 1 {
			t = s.cols[0].Type
		}
		var err error
		if text, err = decodeKafka(got, t); err != nil {
			return err.Error()
		}
	case "AVRO", "PROTOBUF", "PROTOBUF_NOSR", "JSON_SR":
		var err error
		if text, err = s.decode(got); err != nil {
			return fmt.Sprintf("%x: %v", got, err)
		}
	}
	a, err := Parse([]byte(text))
	if err != nil {
		return fmt.Sprintf("%q is no JSON: %v", got, err)
	}
	b, err := Parse(want)
	if err != nil {
		return err.Error()
	}
	if path := Differ(a, b); path != "" {
		return fmt.Sprintf("%s, expected %s (at %s)", text, bytes.TrimSpace(want), path)
	}
	return ""
}

func orNull(b json.RawMessage) string {
	if len(b) == 0 {
		return "null"
	}
	return string(b)
}

func show(b []byte) string {
	if b == nil {
		return "null"
	}
	return fmt.Sprintf("%q", b)
}

// Parse reads a JSON value, numbers as they are written.
func Parse(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

// Differ returns where two JSON values differ, "" if they do not.
func Differ(got, want any) string {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return "$"
		}
		return differObjects(g, w)
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return "$"
		}
		for i := range w {
			if p := Differ(g[i], w[i]); p != "" {
				return fmt.Sprintf("[%d]%s", i, strings.TrimPrefix(p, "$"))
			}
		}
		return ""
	case json.Number:
		if g, ok := got.(json.Number); ok && sameNumber(string(g), string(w)) {
			return ""
		}
		if g, ok := got.(string); ok && g == string(w) {
			return ""
		}
		return "$"
	case string:
		// DECIMAL and special doubles may be written as text.
		if g, ok := got.(json.Number); ok && sameNumber(string(g), w) {
			return ""
		}
	}
	if got == want {
		return ""
	}
	return "$"
}

// differObjects compares objects. A field that is absent is null.
func differObjects(got, want map[string]any) string {
	seen := 0
	for k, x := range want {
		y, ok := got[k]
		if !ok {
			y, ok = got[strings.ToUpper(k)]
		}
		if ok {
			seen++
		}
		if p := Differ(y, x); p != "" {
			return "." + k + strings.TrimPrefix(p, "$")
		}
	}
	if seen == len(got) {
		return ""
	}
	for k, y := range got {
		if _, ok := want[k]; !ok && y != nil && !hasFold(want, k) {
			return "." + k
		}
	}
	return ""
}

func hasFold(m map[string]any, key string) bool {
	for k := range m {
		if strings.EqualFold(k, key) {
			return true
		}
	}
	return false
}

// tolerance is how far doubles may be apart.
const tolerance = 1e-6

func sameNumber(a, b string) bool {
	x, ok := new(big.Rat).SetString(a)
	y, ok2 := new(big.Rat).SetString(b)
	if !ok || !ok2 {
		return a == b
	}
	if x.Cmp(y) == 0 {
		return true
	}
	if !strings.ContainsAny(a+b, ".eE") {
		return false
	}
	f, _ := new(big.Rat).Sub(x, y).Float64()
	return math.Abs(f) <= tolerance
}
