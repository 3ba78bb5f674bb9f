package server

import (
	"context"
	"errors"
	"net/http"

	"github.com/millrace/millrace/engine"
)

// query runs a SELECT or PRINT and answers with an array of StreamedRow objects, or with lines where asked to.
func (s *Server) query(w *response, r *http.Request) error {
	media := negotiate(r.Header.Values("Accept"), mediaKSQL, mediaJSON, mediaDelimited, mediaProtobuf)
	if media == "" {
		return notAcceptable()
	}
	q, err := s.readStatement(w, r)
	if err != nil {
		return err
	}
	switch media {
	case mediaDelimited:
		return s.run(w, r, q, media, &lineWriter{})
	case mediaProtobuf:
		return s.run(w, r, q, media, &protoWriter{})
	}
	return s.run(w, r, q, mediaKSQL, &streamedRowWriter{})
}

// queryStream is query with another request and other defaults.
func (s *Server) queryStream(w *response, r *http.Request) error {
	media := negotiate(r.Header.Values("Accept"), mediaDelimited, mediaKSQL, mediaJSON, mediaProtobuf)
	if media == "" {
		return notAcceptable()
	}
	q, err := s.readQuery(w, r)
	if err != nil {
		return err
	}
	switch media {
	case mediaKSQL:
		return s.run(w, r, q, media, &streamedRowWriter{})
	case mediaJSON:
		return s.run(w, r, q, media, &arrayWriter{})
	case mediaProtobuf:
		return s.run(w, r, q, media, &protoWriter{})
	}
	return s.run(w, r, q, media, &lineWriter{})
}

func notAcceptable() error {
	return &apiError{code: codeNotAcceptable, message: "none of the media types in Accept can be given"}
}

// run begins a query and streams it. Until the engine has accepted the query an error is an HTTP error; after that it is a last row.
func (s *Server) run(w *response, r *http.Request, q engine.Request, media string, out rowWriter) error {
	ctx, stop := s.streamContext(r)
	defer stop()
	rows, err := s.api.Query(ctx, q)
	if err != nil {
		if errors.Is(context.Cause(ctx), errShuttingDown) {
			return errShuttingDown
		}
		return err
	}
	defer func() {
		if err := rows.Close(); err != nil {
			s.log.Warn("a query did not end cleanly", "query", rows.QueryID(), "error", err)
		}
	}()
	if rows.Kind() == engine.PrintResult {
		if _, lines := out.(*lineWriter); !lines && media != mediaKSQL {
			return notAcceptable()
		}
		media, out = "text/plain; charset=utf-8", printWriter{}
	}
	if p, ok := out.(*protoWriter); ok {
		if err := p.prepare(rows.Columns()); err != nil {
			return err
		}
	}
	w.Header().Set("Content-Type", media)
	return s.stream(ctx, w, rows, out)
}
