package server

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/millrace/millrace/engine"
)

// Codes that the engine has no use for.
const (
	codeForbidden     = 40300
	codeNotAcceptable = 40600
	codeTimeout       = 40800
	codeTooLarge      = 41300
	codeServerError   = engine.CodeServerError
)

// apiError is a failure as clients see it. The HTTP status is code/100.
type apiError struct {
	code      int
	message   string
	rule      string
	statement string // "" makes a generic_error, else it is a statement_error
	entities  []engine.Entity
	err       error // for the log
}

func (e *apiError) Error() string { return e.message }

func badRequest(message string) error {
	return &apiError{code: engine.CodeBadRequest, message: message}
}

func toAPIError(err error) *apiError {
	var a *apiError
	if errors.As(err, &a) {
		return a
	}
	var st *engine.StatementError
	if errors.As(err, &st) {
		return &apiError{code: st.Code, message: st.Message, rule: st.Rule, statement: st.Text, entities: st.Entities, err: st.Err}
	}
	var big *http.MaxBytesError
	if errors.As(err, &big) {
		return &apiError{code: codeTooLarge, message: "the request body is longer than " + strconv.FormatInt(big.Limit, 10) + " bytes"}
	}
	return &apiError{code: codeServerError, message: err.Error(), err: err}
}

// MarshalJSON gives ksqlDB's error object. The rule code is an addition of ours, which its clients pass over.
func (e *apiError) MarshalJSON() ([]byte, error) {
	type generic struct {
		Type    string `json:"@type"`
		Code    int    `json:"error_code"`
		Message string `json:"message"`
	}
	g := generic{"generic_error", e.code, e.message}
	if e.statement == "" {
		return marshal(struct {
			generic
			Rule string `json:"rule,omitempty"`
		}{g, e.rule})
	}
	g.Type = "statement_error"
	entities, err := marshalEntities(e.entities)
	if err != nil {
		return nil, err
	}
	return marshal(struct {
		generic
		Statement string          `json:"statementText"`
		Entities  json.RawMessage `json:"entities"`
		Rule      string          `json:"rule,omitempty"`
	}{g, e.statement, entities, e.rule})
}

func (e *apiError) status() int {
	if status := e.code / 100; status >= 400 && status < 600 {
		return status
	}
	return http.StatusInternalServerError
}

// object is the error object as bytes. It cannot fail but for an entity that is not JSON, which the message then says.
func (e *apiError) object() []byte {
	b, err := marshal(e)
	if err != nil {
		b, _ = marshal(&apiError{code: codeServerError, message: err.Error()}) // plain texts always marshal
	}
	return b
}

func (s *Server) writeError(w http.ResponseWriter, e *apiError) {
	if e.code == engine.CodeNotReady {
		w.Header().Set("Retry-After", "10")
	}
	w.Header().Set("Content-Type", jsonType)
	w.WriteHeader(e.status())
	_, _ = w.Write(e.object()) // a client that is gone needs no error
}
