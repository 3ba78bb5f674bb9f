package server

import "net/http"

// closeQuery ends a push query that any connection began.
func (s *Server) closeQuery(w *response, r *http.Request) error {
	var q struct {
		QueryID string `json:"queryId"`
	}
	if err := s.readBody(w, r, &q); err != nil {
		return err
	}
	if q.QueryID == "" {
		return badRequest(`the field "queryId" is missing`)
	}
	if !s.api.CloseQuery(q.QueryID) {
		return badRequest("No query with id " + q.QueryID)
	}
	w.WriteHeader(http.StatusOK)
	return nil
}
