package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/engine/pull"
)

// Config configures a Server. The zero value of a field means the default named with it.
type Config struct {
	Addr         string        // the address it listens on, which names a host that requests may ask for; required
	Hosts        []string      // further host names that requests and web pages' origins may name
	MaxBody      int64         // bytes of a request's body, 8 MiB
	BodyTimeout  time.Duration // to read a request's body, 30 s
	WriteTimeout time.Duration // for one write of an answer; a client slower than that is cut off, 30 s
	Grace        time.Duration // for running requests when the server shuts down, 5 s
	Logger       *slog.Logger  // slog.Default()
}

// Limits that nobody had a reason to change.
const (
	maxHeaderBytes    = 64 << 10
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	maxStreams        = 250 // HTTP/2 streams of one connection
)

// Server answers HTTP requests for an engine. It is made by New and safe for concurrent use.
type Server struct {
	api     engine.API
	cfg     Config
	log     *slog.Logger
	guard   guard
	metrics *metrics
	handler http.Handler

	closing context.Context // done when the server shuts down: streams end
	close   context.CancelCauseFunc
}

var errShuttingDown = &apiError{code: engine.CodeShuttingDown, message: "the server is shutting down"}

// New returns a server for the engine.
func New(api engine.API, cfg Config) *Server {
	if cfg.MaxBody == 0 {
		cfg.MaxBody = 8 << 20
	}
	if cfg.BodyTimeout == 0 {
		cfg.BodyTimeout = 30 * time.Second
	}
	if cfg.WriteTimeout == 0 {
		cfg.WriteTimeout = 30 * time.Second
	}
	if cfg.Grace == 0 {
		cfg.Grace = 5 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	s := &Server{api: api, cfg: cfg, log: cfg.Logger, guard: newGuard(cfg.Addr, cfg.Hosts), metrics: newMetrics(api)}
	s.closing, s.close = context.WithCancelCause(context.Background())
	s.handler = s.recovered(s.guarded(s.routes()))
	return s
}

// Handler is the whole API, for tests and for programs with a server of their own.
func (s *Server) Handler() http.Handler { return s.handler }

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, h handlerFunc) { mux.Handle(pattern, s.wrap(pattern, h)) }
	handle("POST /ksql", s.ksql)
	handle("POST /query", s.query)
	handle("POST /query-stream", s.queryStream)
	handle("POST /close-query", s.closeQuery)
	handle("POST /models", s.uploadModel)
	handle("GET /info", s.info)
	handle("GET /healthcheck", s.healthcheck)
	handle("GET /status", s.statuses)
	handle("GET /status/{type}/{entity}/{action}", s.status)
	handle("GET /is_valid_property/{property}", s.isValidProperty)
	handle("GET /clusterStatus", s.clusterStatus)
	handle("GET /lag", s.lags)
	handle("POST /heartbeat", s.accept)
	handle("POST /lag", s.accept)
	handle("POST "+pull.Endpoint, s.internalPull)
	handle("POST "+engine.StatisticsEndpoint, s.internalStatistics)
	mux.Handle("GET /metrics", s.metrics.handler())
	mux.Handle("GET /{$}", http.RedirectHandler("/info", http.StatusTemporaryRedirect))
	return mux
}

// Serve answers requests on the listener until ctx is done, then ends the streams, lets other requests finish for the grace
// period, and closes the listener. It returns nil after such an end.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	hs := &http.Server{
		Handler:           s.handler,
		Protocols:         protocols,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug), // broken connections are the clients' affair
	}
	stop := context.AfterFunc(ctx, func() { s.shutdown(hs) })
	defer stop()
	err := hs.Serve(l)
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve %s: %w", l.Addr(), err)
}

func (s *Server) shutdown(hs *http.Server) {
	s.close(errShuttingDown)
	ctx, cancel := context.WithTimeout(context.Background(), s.cfg.Grace)
	defer cancel()
	if err := hs.Shutdown(ctx); err != nil {
		s.log.Warn("requests were cut off at shutdown", "error", err)
		_ = hs.Close() // nothing more can be done for them
	}
}
