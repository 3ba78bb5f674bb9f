package rqtt

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/millrace/millrace/engine/testdriver/qtt"
)

// request is the body of a statement's request.
type request struct {
	KSQL       string            `json:"ksql"`
	Properties map[string]string `json:"streamsProperties"`
}

// The media types that rows are asked for in.
const (
	asJSON     = "application/vnd.ksql.v1+json"
	asProtobuf = "application/vnd.ksql.v1+protobuf"
)

func (s *Server) post(ctx context.Context, c *qtt.Case, path, sql, accept string) (*http.Response, error) {
	body, err := json.Marshal(request{sql, c.Properties})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", accept)
	return s.client.Do(req)
}

// execute posts the statements in one request. It returns nil answers if the server refused as the case expects.
func (s *Server) execute(ctx context.Context, c *qtt.Case, statements []string) ([]answer, error) {
	resp, err := s.post(ctx, c, "/ksql", strings.Join(statements, "\n"), asJSON)
	if err != nil {
		return nil, qtt.Failf("server", "%v", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, qtt.Failf("server", "%v", err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, s.refused(c, resp.StatusCode, text)
	}
	v, err := qtt.Parse(text)
	list, ok := v.([]any)
	if err != nil || !ok {
		return nil, qtt.Failf("answer", "the answer to the statements is no array: %s", text)
	}
	answers := []answer{}
	for _, x := range list {
		entity, _ := x.(map[string]any)
		answers = append(answers, answer{entity})
	}
	return answers, nil
}

// query posts one SELECT and reads its rows to their end. Inputs that wait for the query are written when it has begun.
func (s *Server) query(ctx context.Context, c *qtt.Case, sql, accept string, first bool) (answer, error) {
	resp, err := s.post(ctx, c, "/query", sql, accept)
	if err != nil {
		return nil, qtt.Failf("server", "%v", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			return nil, qtt.Failf("server", "%v", err)
		}
		return nil, s.refused(c, resp.StatusCode, text)
	}
	d := json.NewDecoder(resp.Body)
	d.UseNumber()
	if _, err := d.Token(); err != nil {
		return nil, qtt.Failf("answer", "rows: %v", err)
	}
	rows := answer{}
	for d.More() {
		var row map[string]any
		if err := d.Decode(&row); err != nil {
			return nil, qtt.Failf("query does not end", "behind %d objects: %v; last %s", len(rows), err, show(rows[max(len(rows)-1, 0):]))
		}
		rows = append(rows, row)
		if len(rows) == 1 && first && c.Live {
			if err := s.feed(ctx, c); err != nil {
				return nil, err
			}
		}
	}
	if ctx.Err() != nil {
		return nil, qtt.Failf("query does not end", "behind %d objects: %s", len(rows), show(rows))
	}
	return rows, nil
}

// refusal is an error object.
type refusal struct {
	Type      string `json:"@type"`
	Code      int    `json:"error_code"`
	Message   string `json:"message"`
	Statement string `json:"statementText"`
	Rule      string `json:"rule"`
}

// refused judges an error answer: nil if it is the one that the case expects.
func (s *Server) refused(c *qtt.Case, status int, text []byte) error {
	var e refusal
	if err := json.Unmarshal(text, &e); err != nil {
		return qtt.Failf("answer", "status %d without an error object: %s", status, text)
	}
	if c.Expected == nil {
		if e.Rule == "" {
			return qtt.Failf("error", "%d %s", status, e.Message)
		}
		return qtt.Failf("refused "+e.Rule, "%s", e.Message)
	}
	want, err := s.rules.Wanted(c)
	if err != nil {
		return err
	}
	last := c.Statements[len(c.Statements)-1]
	switch {
	case e.Statement != "" && plain(e.Statement) != plain(last):
		return qtt.Failf("refused too early", "%s: %s; expected %s", e.Statement, e.Message, want)
	case !qtt.Satisfies(e.Rule, want):
		return qtt.Failf("other rule", "%s (%s); expected %s: %s", e.Rule, e.Message, want, c.Expected.Message)
	case c.Expected.Status != 0 && c.Expected.Status != status:
		return qtt.Failf("status", "%d, expected %d", status, c.Expected.Status)
	case strings.HasSuffix(c.Expected.Type, "KsqlStatementErrorMessage") && e.Type != "statement_error":
		return qtt.Failf("error type", "%s, expected statement_error: %s", e.Type, e.Message)
	}
	return nil
}

// plain is a statement without what its end may look like.
func plain(statement string) string { return strings.TrimRight(strings.TrimSpace(statement), "; ") }
