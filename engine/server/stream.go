package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/millrace/millrace/engine"
)

// rowWriter puts a query's result into the bytes of one media type. Its methods add to b and return it; stream sends them.
type rowWriter interface {
	head(b []byte, rows engine.ResultSet) []byte
	row(b []byte, cols []engine.ResultColumn, row engine.ResultRow) []byte
	// end closes the result: message is the engine's last word, "" if it has none, err why the query failed, nil if it did not.
	end(b []byte, message string, err *apiError) []byte
}

// streamContext is the request's context, done also when the server shuts down.
func (s *Server) streamContext(r *http.Request) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(r.Context())
	stop := context.AfterFunc(s.closing, func() { cancel(errShuttingDown) })
	return ctx, func() { stop(); cancel(context.Canceled) }
}

// stream sends a result batch by batch: what the engine hands over in one go is flushed in one go, at once.
func (s *Server) stream(ctx context.Context, w *response, rows engine.ResultSet, out rowWriter) error {
	cols := rows.Columns()
	buf := out.head(nil, rows)
	for {
		if err := send(w, buf); err != nil {
			return err
		}
		batch, err := rows.Next(ctx)
		if err != nil {
			return s.finish(ctx, w, rows, out, err)
		}
		buf = buf[:0]
		for _, row := range batch {
			buf = out.row(buf, cols, row)
			if len(buf) >= maxChunk {
				if _, err := w.Write(buf); err != nil {
					return fmt.Errorf("send rows: %w", err)
				}
				buf = buf[:0]
			}
		}
	}
}

// maxChunk bounds what is gathered of a large batch before it is written.
const maxChunk = 64 << 10

func send(w *response, b []byte) error {
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("send rows: %w", err)
	}
	if err := w.flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("send rows: %w", err)
	}
	return nil
}

func (s *Server) finish(ctx context.Context, w *response, rows engine.ResultSet, out rowWriter, err error) error {
	switch {
	case errors.Is(err, io.EOF):
		return send(w, out.end(nil, rows.Final(), nil))
	case errors.Is(context.Cause(ctx), errShuttingDown):
		err = errShuttingDown
	case ctx.Err() != nil:
		return ctx.Err() // the client has gone
	}
	e := toAPIError(err)
	if e.err != nil && e.code >= 50000 {
		s.log.Error("query failed", "query", rows.QueryID(), "error", e.err)
	}
	return send(w, out.end(nil, "", e))
}
