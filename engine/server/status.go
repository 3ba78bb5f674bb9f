package server

import (
	"net/http"

	"github.com/millrace/millrace/engine"
)

// statuses answers with the status of every command by its id.
func (s *Server) statuses(w *response, _ *http.Request) error {
	return s.writeJSON(w, s.api.CommandStatuses())
}

// status answers with how far one command has come; its id is type/entity/action.
func (s *Server) status(w *response, r *http.Request) error {
	id := r.PathValue("type") + "/" + r.PathValue("entity") + "/" + r.PathValue("action")
	st, ok := s.api.CommandStatus(id)
	if !ok {
		return &apiError{code: engine.CodeNotFound, message: "command not found"}
	}
	return s.writeJSON(w, st)
}
