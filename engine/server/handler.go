package server

import (
	"context"
	"errors"
	"net/http"
	"runtime/debug"
	"strings"
	"time"
)

// statusClientGone counts requests that ended without an answer of their handler: the client had left, or it panicked.
const statusClientGone = 499

// handlerFunc answers a request or says why not; the error becomes the answer if nothing was written.
type handlerFunc func(w *response, r *http.Request) error

// response remembers whether the answer has begun. Every write has its own deadline, so that a client that stops reading cannot hold
// a query for ever.
type response struct {
	http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration
	code    int
}

// WriteHeader implements http.ResponseWriter.
func (w *response) WriteHeader(code int) {
	if w.code == 0 {
		w.code = code
	}
	w.ResponseWriter.WriteHeader(code)
}

// Write implements http.ResponseWriter.
func (w *response) Write(b []byte) (int, error) {
	if w.code == 0 {
		w.code = http.StatusOK
	}
	w.deadline()
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController find the writer.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// flush sends what was written.
func (w *response) flush() error {
	w.deadline()
	return w.control.Flush()
}

func (w *response) deadline() {
	// A test's recorder has no deadlines, and needs none.
	_ = w.control.SetWriteDeadline(time.Now().Add(w.timeout))
}

// wrap makes a handler of a handlerFunc: errors become error objects, and the request is logged and counted by its route.
func (s *Server) wrap(pattern string, h handlerFunc) http.Handler {
	_, route, _ := strings.Cut(pattern, " ")
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		start := time.Now()
		w := s.response(rw)
		done := s.metrics.began(route)
		defer func() {
			status := w.code
			if status == 0 {
				status = statusClientGone
			}
			done(status)
			s.log.Debug("request", "method", r.Method, "route", route, "status", status, "took", time.Since(start))
		}()
		err := h(w, r)
		switch {
		case err == nil, w.code != 0, errors.Is(err, context.Canceled) && r.Context().Err() != nil:
			return // answered, or nobody is there to be answered
		}
		e := toAPIError(err)
		if e.code >= 50000 && e.err != nil {
			s.log.Error("request failed", "route", route, "error", e.err)
		}
		s.writeError(w, e)
	})
}

// recovered turns a handler's panic into an error for its client and a log entry for us.
func (s *Server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w := s.response(rw)
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(p)
			}
			s.log.Error("panic in a request handler", "route", r.Pattern, "panic", p, "stack", string(debug.Stack()))
			if w.code != 0 {
				panic(http.ErrAbortHandler) // the answer is cut short, and the client sees that
			}
			s.writeError(w, &apiError{code: codeServerError, message: "internal error; the server's log says more"})
		}()
		next.ServeHTTP(w, r)
	})
}

// response wraps a writer, once.
func (s *Server) response(rw http.ResponseWriter) *response {
	if w, ok := rw.(*response); ok {
		return w
	}
	return &response{ResponseWriter: rw, control: http.NewResponseController(rw), timeout: s.cfg.WriteTimeout}
}
