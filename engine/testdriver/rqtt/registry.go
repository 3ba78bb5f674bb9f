package rqtt

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/millrace/millrace/engine/registry"
)

// schemaRegistry serves a registry in memory over HTTP, as the engine knows registries. Every case begins with an empty one.
type schemaRegistry struct {
	mu      sync.Mutex
	schemas *registry.Memory
	asked   atomic.Bool // since the last renew: the engine may remember answers
}

func (r *schemaRegistry) renew() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.schemas = &registry.Memory{}
	r.asked.Store(false)
}

func (r *schemaRegistry) memory() *registry.Memory {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.schemas
}

func (r *schemaRegistry) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /schemas/ids/{id}", func(w http.ResponseWriter, q *http.Request) {
		id, _ := strconv.Atoi(q.PathValue("id")) // no number finds nothing
		s, err := r.memory().ByID(id)
		r.answer(w, schemaBody(id, "", s), err)
	})
	mux.HandleFunc("GET /subjects/{subject}/versions/{version}", func(w http.ResponseWriter, q *http.Request) {
		id, s, err := r.memory().Latest(q.PathValue("subject"))
		r.answer(w, schemaBody(id, q.PathValue("subject"), s), err)
	})
	mux.HandleFunc("POST /subjects/{subject}/versions", func(w http.ResponseWriter, q *http.Request) {
		var body struct{ Schema, SchemaType string }
		err := json.NewDecoder(q.Body).Decode(&body)
		id := 0
		if err == nil {
			s := registry.Schema{Kind: body.SchemaType, Text: body.Schema}
			if s.Kind == "" {
				s.Kind = registry.Avro
			}
			id, err = r.memory().Register(q.PathValue("subject"), s)
		}
		r.answer(w, map[string]any{"id": id}, err)
	})
	return mux
}

// schemaBody is a schema as registries answer. What it refers to is the last version of a subject of the reference's name.
func schemaBody(id int, subject string, s registry.Schema) map[string]any {
	references := []map[string]any{}
	for _, ref := range s.References {
		references = append(references, map[string]any{"name": ref.Name, "subject": ref.Name, "version": 1})
	}
	return map[string]any{
		"id": id, "subject": subject, "version": 1, "schemaType": s.Kind, "schema": s.Text, "references": references,
	}
}

func (r *schemaRegistry) answer(w http.ResponseWriter, body map[string]any, err error) {
	r.asked.Store(true)
	w.Header().Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	switch {
	case errors.Is(err, registry.ErrNotFound):
		w.WriteHeader(http.StatusNotFound)
		body = map[string]any{"error_code": 40401, "message": err.Error()}
	case err != nil:
		w.WriteHeader(http.StatusUnprocessableEntity)
		body = map[string]any{"error_code": 42201, "message": err.Error()}
	}
	_ = json.NewEncoder(w).Encode(body) // a client that has gone needs no answer
}
