package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/millrace/millrace/engine"
)

// ksql runs statements and answers with an array of their entities.
func (s *Server) ksql(w *response, r *http.Request) error {
	q, err := s.readStatement(w, r)
	if err != nil {
		return err
	}
	entities, err := s.api.Execute(r.Context(), q)
	if err != nil {
		return err
	}
	body, err := marshalEntities(entities)
	if err != nil {
		return err
	}
	return s.writeJSON(w, json.RawMessage(body))
}

// warning is how an entity carries a note.
type warning struct {
	Message string `json:"message"`
}

// marshalEntities writes each entity as its fields between "@type" and "warnings".
func marshalEntities(entities []engine.Entity) ([]byte, error) {
	b := []byte{'['}
	for i, e := range entities {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendEntity(b, e); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

func appendEntity(b []byte, e engine.Entity) ([]byte, error) {
	body, err := marshal(e.Body)
	if err != nil {
		return nil, fmt.Errorf("write a %s: %w", e.Body.EntityType(), err)
	}
	fields := bytes.TrimSuffix(bytes.TrimPrefix(body, []byte("{")), []byte("}"))
	// A description has a statement of its own, which then is the same.
	text, err := marshal(e.StatementText)
	if err != nil {
		return nil, err
	}
	warnings := []warning{}
	for _, m := range e.Warnings {
		warnings = append(warnings, warning{m})
	}
	notes, err := marshal(warnings)
	if err != nil {
		return nil, err
	}
	b = append(b, `{"@type":"`...)
	b = append(b, e.Body.EntityType()...)
	b = append(append(b, `","statementText":`...), text...)
	if len(fields) > 0 {
		b = append(append(b, ','), fields...)
	}
	b = append(append(b, `,"warnings":`...), notes...)
	return append(b, '}'), nil
}
