package server

import (
	"encoding/json"
	"net/http"
	"time"
)

// uploadPatience is how long the bytes of a model may take to come.
const uploadPatience = 5 * time.Minute

// uploadModel keeps the bytes of a model, which are the body, and answers with the sha256 by which CREATE MODEL names them:
// WITH (URI='sha256:...').
func (s *Server) uploadModel(w *response, r *http.Request) error {
	_ = w.control.SetReadDeadline(time.Now().Add(uploadPatience)) // a test's recorder has no deadlines
	sha, n, err := s.api.UploadModel(r.Context(), r.Body, r.ContentLength)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(struct {
		SHA256 string `json:"sha256"`
		Bytes  int    `json:"bytes"`
		URI    string `json:"uri"`
	}{sha, n, "sha256:" + sha})
}
