package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/millrace/millrace/engine"
)

// jsonType answers the old endpoints, whatever their clients ask for.
const jsonType = "application/json"

// statementRequest is the body of /ksql and /query, and with other names for the first two fields of /query-stream. Fields
// that we do not know are passed over, as ksqlDB does.
type statementRequest struct {
	KSQL              string            `json:"ksql"`
	StreamsProperties map[string]any    `json:"streamsProperties"`
	SQL               string            `json:"sql"`
	Properties        map[string]any    `json:"properties"`
	SessionVariables  map[string]string `json:"sessionVariables"`
	// RequestProperties are settings of this request alone, whose names begin with "request.". Those that we do not have are passed over: they
	// are what ksqlDB's servers tell each other.
	RequestProperties map[string]any `json:"requestProperties"`
}

// readBody reads a JSON body into v. Its size and the time it may take are bounded; how deep it nests is by encoding/json.
func (s *Server) readBody(w *response, r *http.Request, v any) error {
	if enc := r.Header.Get("Content-Encoding"); enc != "" && enc != "identity" {
		return &apiError{code: http.StatusUnsupportedMediaType * 100, message: "compressed requests are not read"}
	}
	// A test's recorder has no deadlines.
	_ = w.control.SetReadDeadline(time.Now().Add(s.cfg.BodyTimeout))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, s.cfg.MaxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &apiError{code: codeTimeout, message: "the request body did not come within " + s.cfg.BodyTimeout.String()}
	case err != nil:
		return badRequest("the request body broke off: " + err.Error())
	}
	_ = w.control.SetReadDeadline(time.Time{})
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		return badRequest("the request body is not the JSON object that is expected: " + err.Error())
	}
	if d.More() {
		return badRequest("the request body holds more than one JSON value")
	}
	return nil
}

// readStatement reads the request of /ksql and /query.
func (s *Server) readStatement(w *response, r *http.Request) (engine.Request, error) {
	var q statementRequest
	if err := s.readBody(w, r, &q); err != nil {
		return engine.Request{}, err
	}
	if q.KSQL == "" {
		return engine.Request{}, badRequest(`the field "ksql" is missing: it holds the statements`)
	}
	return q.request(q.KSQL, q.StreamsProperties), nil
}

// readQuery reads the request of /query-stream.
func (s *Server) readQuery(w *response, r *http.Request) (engine.Request, error) {
	var q statementRequest
	if err := s.readBody(w, r, &q); err != nil {
		return engine.Request{}, err
	}
	if q.SQL == "" {
		return engine.Request{}, badRequest(`the field "sql" is missing: it holds the query`)
	}
	return q.request(q.SQL, q.Properties), nil
}

// request is what the engine is to do. Settings that are null are none.
func (q *statementRequest) request(sql string, props map[string]any) engine.Request {
	r := engine.Request{SQL: sql, Properties: map[string]any{}, Variables: q.SessionVariables}
	for name, v := range props {
		if v != nil {
			r.Properties[name] = v
		}
	}
	for name, v := range q.RequestProperties {
		if v != nil && strings.HasPrefix(name, "request.") && engine.IsProperty(name) {
			r.Properties[name] = v
		}
	}
	return r
}

// writeJSON answers with v.
func (s *Server) writeJSON(w *response, v any) error {
	body, err := marshal(v)
	if err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	w.Header().Set("Content-Type", jsonType)
	_, err = w.Write(body)
	return err
}

// marshal is json.Marshal without escapes that only HTML needs.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
