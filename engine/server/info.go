package server

import (
	"net/http"

	"github.com/millrace/millrace/engine"
)

// info tells what server this is.
func (s *Server) info(w *response, _ *http.Request) error {
	return s.writeJSON(w, struct {
		Info engine.Info `json:"KsqlServerInfo"`
	}{s.api.Info()})
}

// healthcheck answers 200 whatever it finds, as ksqlDB does: isHealthy says it.
func (s *Server) healthcheck(w *response, _ *http.Request) error {
	type check struct {
		Healthy bool `json:"isHealthy"`
	}
	h := s.api.Health()
	details := make(map[string]check, len(h.Checks))
	for name, ok := range h.Checks {
		details[name] = check{ok}
	}
	return s.writeJSON(w, struct {
		Healthy bool             `json:"isHealthy"`
		Details map[string]check `json:"details"`
		State   *string          `json:"serverState"`
	}{Healthy: h.Healthy, Details: details})
}

// isValidProperty says whether a session may set the property.
func (s *Server) isValidProperty(w *response, r *http.Request) error {
	if err := s.api.ValidProperty(r.PathValue("property")); err != nil {
		return badRequest(err.Error())
	}
	return s.writeJSON(w, true)
}
