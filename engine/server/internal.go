package server

import (
	"net/http"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/engine/pull"
)

// internalPull answers another server of the service with the rows of a pull query that are here. Whoever reaches it learns no more than from
// /query.
func (s *Server) internalPull(w *response, r *http.Request) error {
	var q pull.Request
	if err := s.readBody(w, r, &q); err != nil {
		return err
	}
	ctx, stop := s.streamContext(r)
	defer stop()
	w.Header().Set("Content-Type", pull.MediaType)
	return s.api.ServePull(ctx, &q, pull.NewWriter(w, w.flush))
}

// internalStatistics answers another server of the service with what versions of models have scored here, which SHOW MODEL STATISTICS shows.
func (s *Server) internalStatistics(w *response, r *http.Request) error {
	var q engine.StatisticsRequest
	if err := s.readBody(w, r, &q); err != nil {
		return err
	}
	a, err := s.api.ServeStatistics(r.Context(), &q)
	if err != nil {
		return err
	}
	return s.writeJSON(w, a)
}
