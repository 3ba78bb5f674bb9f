package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"
	"time"
)

func testClient(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := New(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/vnd.ksql.v1+json")
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

func TestExecute(t *testing.T) {
	var path, sent string
	c := testClient(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		path, sent = r.URL.Path, string(b)
		fmt.Fprint(w, `[{"@type":"streams","statementText":"S;","streams":[],"warnings":[{"message":"w"}]}]`)
	})
	got, err := c.Execute(context.Background(), Request{SQL: "S;", Properties: map[string]string{"a": "b"}})
	if err != nil || len(got) != 1 || got[0].Type != "streams" || got[0].StatementText != "S;" || got[0].Warnings[0] != "w" {
		t.Errorf("got %+v (%v)", got, err)
	}
	if want := `{"ksql":"S;","sessionVariables":{},"streamsProperties":{"a":"b"}}`; path != "/ksql" || sent != want {
		t.Errorf("sent %s to %s", sent, path)
	}
}

func TestErrors(t *testing.T) {
	ctx := context.Background()
	var e *Error
	c := testClient(t, answer(400, `{"@type":"statement_error","error_code":40001,"message":"m","statementText":"S;",`+
		`"entities":[{"@type":"warning_entity"}],"rule":"join.type"}`))
	if _, err := c.Execute(ctx, Request{}); !errors.As(err, &e) || e.Code != 40001 || e.Rule != "join.type" || len(e.Entities) != 1 {
		t.Errorf("got %#v", err)
	}
	c = testClient(t, answer(502, "<html>"))
	if _, err := c.Execute(ctx, Request{}); !errors.As(err, &e) || e.Code != 50200 {
		t.Errorf("got %#v", err)
	}
	var lost *ConnectionError
	c = testClient(t, answer(200, "hello"))
	if _, err := c.Info(ctx); !errors.As(err, &lost) {
		t.Errorf("got %#v", err)
	}
	c, err := New("127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Info(ctx); !errors.As(err, &lost) || lost.Server != "http://127.0.0.1:1" {
		t.Errorf("got %#v", err)
	}
	for _, bad := range []string{"", "ftp://x", "http://", "::"} {
		if _, err := New(bad); err == nil {
			t.Errorf("%q was taken for a server", bad)
		}
	}
}

const header = "[{\"header\":{\"queryId\":\"q\",\"schema\":\"`A` INTEGER KEY, `b``c` MAP<STRING, STRUCT<`x,y` DECIMAL(4, 2)>>\"}}"

func TestRows(t *testing.T) {
	c := testClient(t, answer(200, header+",\n"+`{"row":{"columns":[1,{"k":1.50}]}},`+"\n"+
		`{"row":{"columns":[2,null],"tombstone":true}},`+"\n"+`{"finalMessage":"Limit Reached"}]`))
	rows, err := c.Query(context.Background(), Request{})
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	want := []Column{{"A", "INTEGER", true}, {"b`c", "MAP<STRING, STRUCT<`x,y` DECIMAL(4, 2)>>", false}}
	if !reflect.DeepEqual(rows.Columns(), want) || rows.QueryID() != "q" {
		t.Errorf("got %+v", rows.Columns())
	}
	var got []string
	for rows.Next() {
		got = append(got, fmt.Sprintf("%s %v", rows.Row().Values, rows.Row().Tombstone))
	}
	if rows.Err() != nil || rows.Final() != "Limit Reached" || !reflect.DeepEqual(got, []string{"[1 {\"k\":1.50}] false", "[2 null] true"}) {
		t.Errorf("got %v (%v), final %q", got, rows.Err(), rows.Final())
	}
}

func TestRowsThatEndBadly(t *testing.T) {
	var failed *Error
	var lost *ConnectionError
	for body, target := range map[string]any{
		header + `,{"errorMessage":{"@type":"generic_error","error_code":50000,"message":"m"}}]`: &failed,
		header + `,{"row":{"columns":[1`: &lost,
		header:                           &lost,
		header + `,`:                     &lost,
	} {
		rows, err := testClient(t, answer(200, body)).Query(context.Background(), Request{})
		if err != nil {
			t.Errorf("%s: %v", body, err)
			continue
		}
		if rows.Next() || !errors.As(rows.Err(), target) {
			t.Errorf("%s: ended with %#v", body, rows.Err())
		}
		rows.Close()
	}
}

func TestPrint(t *testing.T) {
	c := testClient(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprint(w, "a \"b\"\nc\n")
	})
	rows, err := c.Query(context.Background(), Request{})
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if !rows.Print() || !rows.Next() || string(rows.Row().Values[0]) != `"a \"b\""` || !rows.Next() || rows.Next() || rows.Err() != nil {
		t.Errorf("got %v (%v)", rows.Row(), rows.Err())
	}
}

// A row is there as soon as it was sent, and canceling ends the request on the server.
func TestStreamAndCancel(t *testing.T) {
	left := make(chan struct{})
	c := testClient(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/vnd.ksql.v1+json")
		fmt.Fprint(w, header+",\n"+`{"row":{"columns":[1,null]}}`)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		close(left)
	})
	ctx, cancel := context.WithCancel(context.Background())
	rows, err := c.Query(ctx, Request{})
	if err != nil || !rows.Next() {
		t.Fatal("no row came", err)
	}
	defer rows.Close()
	cancel()
	if rows.Next() || !errors.Is(rows.Err(), context.Canceled) {
		t.Errorf("ended with %v", rows.Err())
	}
	select {
	case <-left:
	case <-time.After(time.Minute):
		t.Error("the server was not told")
	}
}

func TestParseSchema(t *testing.T) {
	got, err := parseSchema("`H` BYTES HEADER('a,b'), `ALL` ARRAY<STRUCT<`KEY` STRING, `VALUE` BYTES>> HEADERS, `K` DECIMAL(4, 2) KEY, `V` STRING")
	want := []Column{
		{"H", "BYTES", false}, {"ALL", "ARRAY<STRUCT<`KEY` STRING, `VALUE` BYTES>>", false}, {"K", "DECIMAL(4, 2)", true}, {"V", "STRING", false},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v (%v)", got, err)
	}
	for _, bad := range []string{"A STRING", "`A", "`A` INT, B INT"} {
		if _, err := parseSchema(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}
