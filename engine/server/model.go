package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/udf/model"
)

// uploadPatience is how long the bytes of a model may take to come.
const uploadPatience = 5 * time.Minute

// uploadModel keeps the bytes of a model, which are the body, and answers with the sha256 by which CREATE MODEL names them:
// WITH (URI='sha256:...').
func (s *Server) uploadModel(w *response, r *http.Request) error {
	_ = w.control.SetReadDeadline(time.Now().Add(uploadPatience)) // a test's recorder has no deadlines
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, model.DefaultMaxBytes))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return &apiError{code: engine.CodeBadRequest, message: fmt.Sprintf("a model has at most %d bytes", model.DefaultMaxBytes)}
	case err != nil:
		return &apiError{code: engine.CodeBadRequest, message: "the model did not come whole", err: err}
	}
	sha, err := s.api.UploadModel(r.Context(), b)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(struct {
		SHA256 string `json:"sha256"`
		Bytes  int    `json:"bytes"`
		URI    string `json:"uri"`
	}{sha, len(b), "sha256:" + sha})
}
