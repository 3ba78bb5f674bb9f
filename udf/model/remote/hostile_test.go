package remote_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/millrace/millrace/udf/model/remote"
	"github.com/millrace/millrace/udf/model/remote/remotetest"
)

// TestHostileAnswers: whatever a server answers, there is an error that says what is wrong with it, or two scores.
func TestHostileAnswers(t *testing.T) {
	oip := func(outputs string) string { return `{"model_name": "line", "outputs": [` + outputs + `]}` }
	score := `"name": "score", "datatype": "FP64", "shape": [2, 1]`
	cases := map[remote.Kind][][2]string{
		remote.OIP: {
			{`<html><body>Bad gateway</body></html>`, "web page"},
			{``, "not JSON"},
			{`{"outputs": [{`, "not JSON"},
			{`[1, 2]`, "not JSON"},
			{`{} {}`, "not JSON"},
			{strings.Repeat("[", 1<<12), "not JSON"},
			{`{"x": ` + strings.Repeat("[", 1<<12), "nested too deeply"},
			{`{"x": ` + strings.Repeat(`{"a":`, 1<<12), "nested too deeply"},
			{`{}`, "no output score"},
			{oip(`{"name": "other", "datatype": "FP64", "shape": [2, 1], "data": [1, 2]}`), "no output score"},
			{oip(`{"name": "score", "datatype": "FP32", "shape": [2, 1], "data": [1, 2]}`), "has the type FP32, not FP64"},
			{oip(`{"name": "score", "datatype": "FP64", "shape": [1, 2], "data": [1, 2]}`), "has the shape [1 2], not [2 1]"},
			{oip(`{"name": "score", "datatype": "FP64", "shape": [2, 9223372036854775807], "data": [1, 2]}`), "has the shape"},
			{oip(`{"name": "score", "datatype": "FP64", "shape": [2, -1], "data": [1, 2]}`), "has the shape"},
			{oip(`{"name": "score", "datatype": "FP64", "shape": [` + strings.Repeat("1,", 99) + `2], "data": [1, 2]}`), "too many dimensions"},
			{oip(`{` + score + `, "data": [1]}`), "1 elements, not 2"},
			{oip(`{` + score + `, "data": [1, 2, 3]}`), "more than 2 elements"},
			{oip(`{` + score + `, "data": [1, "two"]}`), "not of the type double"},
			{oip(`{` + score + `, "data": [1, 0x10]}`), "not of the type double"},
			{oip(`{` + score + `, "data": [1, inf]}`), "not of the type double"},
			{oip(`{` + score + `, "data": [1, 1e999]}`), "not of the type double"},
			{oip(`{` + score + `}`), "output score"},
			{oip(`{` + score + `, "data": [1, 2]}, {` + score + `, "data": [1, 2]}`), "twice"},
			{oip(`{` + score + `, "parameters": {"binary_data_size": 16}}`), "cut off"},
			{oip(`{` + score + `, "parameters": {"binary_data_size": 9223372036854775807}}`), "cut off"},
			{oip(`{` + score + `, "parameters": {"binary_data_size": -5}}`), "output score"},
			{oip(`{` + score + `, "parameters": {"binary_data_size": 0}}`), "has 0 bytes, not 16"},
			{oip(`{` + score + `, "data": [1, NaN]}`), ""},
			{oip(`{` + score + `, "data": [1, null]}`), ""},
			{oip(`{` + score + `, "data": [[1], [2]]}`), ""},
		},
		remote.TFServing: {
			{`{"predictions": [[1], [2]]}`, "no output score"},
			{`{"outputs": [[1], [2], [3]]}`, "more than 2 rows"},
			{`{"outputs": [[1]]}`, "has 1 rows, not 2"},
			{`{"outputs": [[1, 2], []]}`, "a row has more than 1"},
			{`{"outputs": [[], [1]]}`, "a row has 0 elements, not 1"},
			{`{"outputs": {"scores": [[1], [2]]}}`, "no output score"},
			{`{"outputs": {"score": 1}}`, "not JSON"},
			{`{"error": "Servable not found"}`, "no output score"},
			{`{"outputs": {"score": [[NaN], [-Infinity]]}}`, ""},
			{`{"outputs": [1, 2]}`, ""},
		},
		remote.MLflow: {
			{`{"predictions": [1]}`, "1 predictions, not 2"},
			{`{"predictions": [1, 2, 3]}`, "more than 2 predictions"},
			{`{"predictions": [[1, 2], [3, 4]]}`, "more than 1 elements"},
			{`{"predictions": [{"p": 1}, {"p": 2}]}`, "0 of 1 outputs"},
			{`{"predictions": {"score": [1, 2]}}`, "not JSON"},
			{`[1, 2]`, "not JSON"},
			{`{"predictions": [{"score": 1, "score": 1}, 2]}`, "twice"},
			{`{"predictions": [[1], {"score": 2, "more": [{}]}]}`, ""},
		},
	}
	for kind, answers := range cases {
		server := remotetest.Start(t)
		o := options(server, kind)
		o.Policy.Failures = 1000
		s, err := remote.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range answers {
			server.Before(func(_ int64, w http.ResponseWriter, _ *http.Request) bool {
				_, _ = io.WriteString(w, c[0])
				return true
			})
			in, out, _ := columns(s, 2)
			err := s.Score(t.Context(), in, 2, out)
			if c[1] == "" && err != nil || c[1] != "" && (err == nil || !strings.Contains(err.Error(), c[1])) {
				t.Errorf("%s: the answer %.100s gives %v, want %q", kind, c[0], err, c[1])
			}
		}
	}
}

// endless is an answer without an end.
func endless(w io.Writer) {
	chunk := bytes.Repeat([]byte(" "), 1<<16)
	for {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

// TestGiganticAnswers: an answer is read no further than it can be right.
func TestGiganticAnswers(t *testing.T) {
	for _, kind := range remote.Kinds() {
		for _, announced := range []bool{true, false} {
			server := remotetest.Start(t)
			s, err := remote.Open(t.Context(), options(server, kind))
			if err != nil {
				t.Fatal(err)
			}
			server.Before(func(_ int64, w http.ResponseWriter, _ *http.Request) bool {
				if kind == remote.OIPGRPC {
					_, _ = w.Write([]byte{0, 0x7f, 0xff, 0xff, 0xff})
				} else if announced {
					w.Header().Set("Content-Length", "1099511627776")
				}
				endless(w)
				return true
			})
			in, out, _ := columns(s, 2)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err = s.Score(t.Context(), in, 2, out)
			runtime.ReadMemStats(&after)
			if err == nil || strings.Contains(err.Error(), "no answer") {
				t.Errorf("%s: an answer without an end gives %v", kind, err)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > 32<<20 {
				t.Errorf("%s: %d bytes were allocated for it", kind, n)
			}
		}
	}
}

// TestHostileGRPC: messages that are none.
func TestHostileGRPC(t *testing.T) {
	server := remotetest.Start(t)
	o := options(server, remote.OIPGRPC)
	o.Policy.Failures = 1000
	s, err := remote.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		message, status, err string
	}{
		"empty":            {"", "0", "no output score"},
		"not a message":    {"\xff\xff\xff", "0", "cannot be read"},
		"cut off":          {"\x2a\x7f\x0a", "0", "cannot be read"},
		"no type":          {"\x2a\x09\x0a\x05score\x18\x02", "0", "has the type"},
		"no elements":      {"\x2a\x11\x0a\x05score\x12\x04FP64\x1a\x02\x02\x01", "0", "0 elements, not 2"},
		"raw without end":  {"\x2a\x11\x0a\x05score\x12\x04FP64\x1a\x02\x02\x01\x32\x04abcd", "0", "has 4 bytes, not 16"},
		"more raw":         {"\x2a\x11\x0a\x05score\x12\x04FP64\x1a\x02\x02\x01\x32\x00\x32\x00", "0", "2 raw contents for 1 outputs"},
		"gigantic shape":   {"\x2a\x1a\x0a\x05score\x12\x04FP64\x1a\x0b\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "0", "has the shape"},
		"refused":          {"", "3", "bad rows"},
		"away":             {"", "14", "(asked 3 times)"},
		"an unknown error": {"", "2", "bad rows"},
	} {
		server.Before(func(_ int64, w http.ResponseWriter, _ *http.Request) bool {
			if c.status == "0" {
				remotetest.Frame(w, []byte(c.message))
			}
			w.Header().Set("Grpc-Status", c.status)
			w.Header().Set("Grpc-Message", "bad rows")
			return true
		})
		in, out, _ := columns(s, 2)
		if err := s.Score(t.Context(), in, 2, out); err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %v, want %q", name, err, c.err)
		}
	}
}

// TestHostileMetadata: signatures that cannot be scored are refused when the model is created.
func TestHostileMetadata(t *testing.T) {
	for metadata, want := range map[string]string{
		`{"name": "m"}`: "does not tell the model's inputs",
		`{"inputs": [{"name": "x", "datatype": "FP64", "shape": [-1, -1]}], "outputs": [{"name": "y", "datatype": "FP64", "shape": [-1]}]}`:                                               "must be known",
		`{"inputs": [{"name": "x", "datatype": "FP64", "shape": [4]}], "outputs": [{"name": "y", "datatype": "FP64", "shape": [-1]}]}`:                                                    "must be -1",
		`{"inputs": [{"name": "x", "datatype": "FP64", "shape": [-1, 65536, 65536]}], "outputs": [{"name": "y", "datatype": "FP64", "shape": [-1]}]}`:                                     "more than 65536 elements",
		`{"inputs": [{"name": "x", "datatype": "FP16", "shape": [-1]}], "outputs": [{"name": "y", "datatype": "FP64", "shape": [-1]}]}`:                                                   "type FP16",
		`{"inputs": [{"name": "x", "datatype": "UINT8", "shape": [-1]}], "outputs": [{"name": "y", "datatype": "FP64", "shape": [-1]}]}`:                                                  "outputs alone",
		`{"inputs": [{"name": "x", "datatype": "FP64", "shape": [-1]}, {"name": "x", "datatype": "FP64", "shape": [-1]}], "outputs": [{"name": "y", "datatype": "BOOL", "shape": [-1]}]}`: "two tensors are called x",
	} {
		server := remotetest.Start(t)
		server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v2" {
				_, _ = fmt.Fprint(w, `{}`)
			} else {
				_, _ = fmt.Fprint(w, metadata)
			}
		})
		if _, err := remote.Open(t.Context(), options(server, remote.OIP)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", metadata, err, want)
		}
	}
}
