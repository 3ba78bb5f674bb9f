package client

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// Error is what a server says of a request it did not carry out. Message is made for a person: it may have several lines, with
// position, caret and hint.
type Error struct {
	Code      int    // HTTP status * 100 + n
	Rule      string // stable rule code; "" from other servers
	Message   string
	Statement string
	Entities  []Entity // results of the statements before the one that failed
}

// Error implements error.
func (e *Error) Error() string { return e.Message }

// ConnectionError says that the server cannot be reached or broke off.
type ConnectionError struct {
	Server string
	Err    error
}

// Error implements error.
func (e *ConnectionError) Error() string {
	return fmt.Sprintf("cannot talk to the server at %s: %v", e.Server, e.Err)
}

// Unwrap gives the cause.
func (e *ConnectionError) Unwrap() error { return e.Err }

type errorObject struct {
	Type      string            `json:"@type"`
	Code      int               `json:"error_code"`
	Message   string            `json:"message"`
	Statement string            `json:"statementText"`
	Entities  []json.RawMessage `json:"entities"`
	Rule      string            `json:"rule"`
}

func (o *errorObject) toError() *Error {
	e := &Error{Code: o.Code, Rule: o.Rule, Message: o.Message, Statement: o.Statement}
	for _, raw := range o.Entities {
		if entity, err := parseEntity(raw); err == nil { // what cannot be read is not worth hiding the error for
			e.Entities = append(e.Entities, entity)
		}
	}
	return e
}

// parseError reads the body of an answer that is no success.
func parseError(status int, body []byte) *Error {
	var o errorObject
	if err := json.Unmarshal(body, &o); err == nil && o.Message != "" {
		return o.toError()
	}
	text := strings.TrimSpace(string(body[:min(len(body), 500)]))
	return &Error{Code: status * 100, Message: strings.TrimSpace(fmt.Sprintf("%d %s %s", status, http.StatusText(status), text))}
}

func parseEntities(body []byte) ([]Entity, error) {
	var raw []json.RawMessage
	if err := json.Unmarshal(body, &raw); err != nil {
		return nil, fmt.Errorf("read the server's answer: %w", err)
	}
	out := make([]Entity, 0, len(raw))
	for _, r := range raw {
		e, err := parseEntity(r)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

func parseEntity(raw json.RawMessage) (Entity, error) {
	var head struct {
		Type          string `json:"@type"`
		StatementText string `json:"statementText"`
		Warnings      []struct {
			Message string `json:"message"`
		} `json:"warnings"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return Entity{}, fmt.Errorf("read the server's answer: %w", err)
	}
	e := Entity{Type: head.Type, StatementText: head.StatementText, Body: raw}
	for _, w := range head.Warnings {
		e.Warnings = append(e.Warnings, w.Message)
	}
	return e, nil
}
