package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"testing"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/engine/directory"
	"github.com/millrace/millrace/engine/pull"
	"github.com/millrace/millrace/udf/model"
)

// fakeAPI answers what a test tells it to.
type fakeAPI struct {
	execute func(context.Context, engine.Request) ([]engine.Entity, error)
	query   func(context.Context, engine.Request) (engine.ResultSet, error)
	pull    func(context.Context, *pull.Request, *pull.Writer) error
	servers []directory.Server
	closed  string
	metrics []engine.Metric
}

func (f *fakeAPI) Execute(ctx context.Context, r engine.Request) ([]engine.Entity, error) {
	return f.execute(ctx, r)
}

func (f *fakeAPI) Query(ctx context.Context, r engine.Request) (engine.ResultSet, error) {
	return f.query(ctx, r)
}

func (f *fakeAPI) ServePull(ctx context.Context, r *pull.Request, out *pull.Writer) error {
	return f.pull(ctx, r, out)
}

// ServeStatistics knows service s.
func (f *fakeAPI) ServeStatistics(_ context.Context, r *engine.StatisticsRequest) (*engine.StatisticsAnswer, error) {
	if r.Service != "s" {
		return nil, &engine.StatementError{Code: engine.CodeBadRequest, Message: "this server belongs to service s, not " + r.Service}
	}
	return &engine.StatisticsAnswer{Versions: make([]model.Snapshot, len(r.Versions))}, nil
}

func (f *fakeAPI) Servers() []directory.Server { return f.servers }

func (f *fakeAPI) CloseQuery(id string) bool { f.closed = id; return id == "q1" }

func (f *fakeAPI) CommandStatus(id string) (engine.CommandStatus, bool) {
	return engine.CommandStatus{Status: "SUCCESS", Message: "created"}, id == "stream/S/create"
}

func (f *fakeAPI) CommandStatuses() map[string]string {
	return map[string]string{"stream/S/create": "SUCCESS"}
}

func (f *fakeAPI) ValidProperty(name string) error {
	if name != "auto.offset.reset" {
		return errors.New("there is no property " + name)
	}
	return nil
}

// UploadModel keeps bytes of 3 and refuses others.
func (f *fakeAPI) UploadModel(_ context.Context, body io.Reader, size int64) (string, int, error) {
	if b, err := io.ReadAll(body); err != nil || len(b) != 3 || size != 3 {
		return "", 0, &engine.StatementError{Code: engine.CodeBadRequest, Rule: "model.file", Message: "a model has 3 bytes"}
	}
	return "abc", 3, nil
}

func (f *fakeAPI) Info() engine.Info {
	return engine.Info{Version: "1", ClusterID: "c", ServiceID: "default_", Status: "RUNNING"}
}

func (f *fakeAPI) Health() engine.Health {
	return engine.Health{Healthy: false, Checks: map[string]bool{"kafka": false}}
}

func (f *fakeAPI) Metrics() []engine.Metric { return f.metrics }

// fakeRows hands out batches, then blocks if it is told to, else ends with err or io.EOF.
type fakeRows struct {
	kind    engine.ResultKind
	cols    []engine.ResultColumn
	batches [][]engine.ResultRow
	final   string
	err     error
	block   bool

	mu     sync.Mutex
	closed bool
	done   chan struct{} // closed by Close
}

func (r *fakeRows) QueryID() string                { return "q1" }
func (r *fakeRows) Kind() engine.ResultKind        { return r.kind }
func (r *fakeRows) Columns() []engine.ResultColumn { return r.cols }
func (r *fakeRows) Final() string                  { return r.final }

func (r *fakeRows) Next(ctx context.Context) ([]engine.ResultRow, error) {
	if len(r.batches) > 0 {
		b := r.batches[0]
		r.batches = r.batches[1:]
		return b, nil
	}
	if r.block {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if r.err != nil {
		return nil, r.err
	}
	return nil, io.EOF
}

func (r *fakeRows) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed && r.done != nil {
		close(r.done)
	}
	r.closed = true
	return nil
}

func newTestServer(t *testing.T, api engine.API) *Server {
	t.Helper()
	return New(api, Config{Addr: "127.0.0.1:8088", Hosts: []string{"millrace.example"}, MaxBody: 1 << 20, Logger: slog.New(slog.DiscardHandler)})
}
