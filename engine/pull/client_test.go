package pull

import (
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

var bigint = []*types.Type{types.Bigint}

func numbers(n ...int64) *vector.Batch {
	v := vector.New(types.Bigint)
	v.I64 = n
	return &vector.Batch{N: len(n), Cols: []*vector.Vector{v}}
}

// ask serves one answer and asks for it.
func ask(t *testing.T, serve func(w http.ResponseWriter, out *Writer)) (Answer, []int64, error) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		w.Header().Set("Content-Type", MediaType)
		out := NewWriter(w, http.NewResponseController(w).Flush)
		out.Columns(bigint)
		serve(w, out)
	}))
	defer s.Close()
	c := NewClient()
	defer c.Close()
	var got []int64
	a, err := c.Ask(t.Context(), s.URL, &Request{}, bigint, func(b *vector.Batch) error {
		got = append(got, b.Cols[0].I64...)
		return nil
	})
	return a, got, err
}

func TestAnswer(t *testing.T) {
	a, got, err := ask(t, func(_ http.ResponseWriter, out *Writer) {
		_ = out.Rows(numbers(1, 2), 9)
		_ = out.Done(3)
		_ = out.Moved(4)
		_ = out.Rows(numbers(5, 6), 1)
		_ = out.End()
	})
	if err != nil || !slices.Equal(got, []int64{1, 2, 5}) || !slices.Equal(a.Done, []int32{3}) || !slices.Equal(a.Moved, []int32{4}) {
		t.Errorf("rows %v, answer %+v, error %v", got, a, err)
	}
}

// TestBrokenAnswer: a partition is handed on as a whole, or not at all; where that is not possible the error says so.
func TestBrokenAnswer(t *testing.T) {
	a, got, err := ask(t, func(_ http.ResponseWriter, out *Writer) {
		_ = out.Rows(numbers(1), 9)
		_ = out.Done(0)
		_ = out.Rows(numbers(2), 9)
		_ = out.send()
		panic(http.ErrAbortHandler)
	})
	if err == nil || errors.Is(err, ErrBroken) || !slices.Equal(got, []int64{1}) || !slices.Equal(a.Done, []int32{0}) {
		t.Errorf("rows %v, answer %+v, error %v", got, a, err)
	}
	_, got, err = ask(t, func(_ http.ResponseWriter, out *Writer) {
		_ = out.Rows(numbers(make([]int64, chunk+1)...), chunk+1)
		_ = out.send()
		panic(http.ErrAbortHandler)
	})
	if !errors.Is(err, ErrBroken) || len(got) != chunk {
		t.Errorf("%d rows, error %v", len(got), err)
	}
}

func TestRefusals(t *testing.T) {
	var refused *RefusedError
	for name, c := range map[string]struct {
		serve  func(w http.ResponseWriter, out *Writer)
		status int
		want   string
	}{
		"an error object": {func(w http.ResponseWriter, _ *Writer) {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `{"message":"starting"}`)
		}, 503, "starting"},
		"no server of ours": {func(w http.ResponseWriter, _ *Writer) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, `<html>`)
		}, 200, "it answers 200 OK"},
		"a redirect": {func(w http.ResponseWriter, _ *Writer) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(http.StatusFound)
		}, 302, "it answers 302 Found"},
		"an error after rows": {func(_ http.ResponseWriter, out *Writer) {
			_ = out.Rows(numbers(1), 1)
			_ = out.Fail(errors.New("the store is damaged"))
		}, 500, "the store is damaged"},
	} {
		if _, _, err := ask(t, c.serve); !errors.As(err, &refused) || refused.Status != c.status || refused.Message != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzAnswer reads answers that nobody wrote.
func FuzzAnswer(f *testing.F) {
	f.Add("z\x00")
	f.Add("d\x01\x03m\x01\x04e\x02noz\x00")
	f.Add("r\xff\xff\xff\xff\x0f")
	f.Add(string(binary.AppendUvarint([]byte{'r'}, 1<<63)))
	f.Fuzz(func(t *testing.T, text string) {
		a := answer{reader: newReader(strings.NewReader(text), bigint), take: func(*vector.Batch) error { return nil }}
		if err := a.read(); err == nil && !strings.Contains(text, "z") {
			t.Error("an answer without an end is whole")
		}
	})
}
