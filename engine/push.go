package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/millrace/millrace/engine/query"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/vector"
)

// MaxPushQueries bounds the push queries of one server.
const MaxPushQueries = 2000

// pushes are the running queries of clients. The zero value is ready.
type pushes struct {
	mu     sync.Mutex
	byID   map[string]*stream
	next   int
	closed bool
	slow   atomic.Int64 // that were ended since their client did not read
}

// transientBuffer bounds what is fetched ahead of one partition of a push query: there may be many of them.
const transientBuffer = 128 << 10

// stream is a query that runs for one client: push queries, and bounded scans of a stream. Its goroutine is awaited by Close.
type stream struct {
	id      string // until it is registered: what its id begins with
	text    string
	kind    ResultKind
	columns []ResultColumn
	keys    []bool // columns that a tombstone carries
	limit   int64  // < 0: none
	rows    *backlog
	ctx     context.Context
	cancel  context.CancelFunc
	wg      sync.WaitGroup
	err     error // set before rows has ended
	final   string
	silent  bool // Final is not for the client
	forget  func()
}

// clientQuery is a plan, whose root is a Result, that runs for one client.
type clientQuery struct {
	kind         ResultKind
	text         string
	node         plan.Node
	start, until map[string][]int64
	scalable     bool // see scalable
}

// startStream runs a query for its client.
func (e *Engine) startStream(ctx context.Context, c clientQuery) (ResultSet, error) {
	root, ok := c.node.(*plan.Result)
	if !ok {
		return nil, fmt.Errorf("query %q: its plan ends in %T", c.text, c.node)
	}
	if _, err := e.topology("", c.node); err != nil { // before the client hears that its query runs
		return nil, err
	}
	s := newStream(c.kind, c.text, root.Limit)
	if c.scalable {
		s.id = scalablePrefix
	}
	for i, out := range root.Out {
		in := root.Input.Columns()[root.Project[i]]
		s.columns = append(s.columns, ResultColumn{Name: out.Name, Type: out.Type})
		s.keys = append(s.keys, in.Role == plan.Key || in.Role == plan.WindowBound)
	}
	return s, e.launch(ctx, s, firstSource(c.node), func(ctx context.Context) error {
		topo, err := e.topology(s.id, c.node)
		if err != nil {
			return err
		}
		deps := e.taskDeps(s.id, e.applied.Load(), func() context.Context { return ctx })
		deps.Rows = s.take
		q := query.Transient{Topology: topo, Fetcher: e.transients, Start: c.start, Until: c.until, Deps: deps, KeyedOnly: c.scalable}
		return q.Run(ctx)
	})
}

func newStream(kind ResultKind, text string, limit *int64) *stream {
	s := &stream{id: "transient", text: text, kind: kind, limit: -1, rows: newBacklog()}
	if limit != nil {
		s.limit = *limit
	}
	return s
}

// launch registers a stream and starts its goroutine, which does work until it returns.
func (e *Engine) launch(ctx context.Context, s *stream, source string, work func(context.Context) error) error {
	s.ctx, s.cancel = context.WithCancel(ctx)
	if s.kind == PushResult {
		s.rows.patience = cmp.Or(e.opts.PushPatience, pushPatience)
	}
	if err := e.pushes.add(s, source); err != nil {
		s.cancel()
		return err
	}
	s.wg.Go(func() {
		s.run(work)
		var st *StatementError
		if errors.As(s.err, &st) && st.Code == CodeSlowClient {
			e.pushes.slow.Add(1)
			e.log.Warn("a push query was ended", "query", s.id, "reason", st.Message)
		}
		close(s.rows.batches)
	})
	return nil
}

func firstSource(node plan.Node) string {
	name := ""
	plan.Walk(node, func(n plan.Node) bool {
		if s, ok := n.(*plan.Source); ok && name == "" {
			name = s.Name
		}
		return true
	})
	return name
}

// add registers a stream under a new id.
func (p *pushes) add(s *stream, source string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return &StatementError{Code: CodeShuttingDown, Message: "the server is shutting down"}
	}
	if s.kind == PushResult && p.count(PushResult) >= MaxPushQueries { // pull queries end by themselves
		return &StatementError{Code: CodeMaxPushQueries, Message: fmt.Sprintf("this server runs %d push queries already", MaxPushQueries)}
	}
	p.next++
	s.id = fmt.Sprintf("%s_%s_%d", s.id, source, p.next)
	if p.byID == nil {
		p.byID = map[string]*stream{}
	}
	p.byID[s.id] = s
	s.forget = func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.byID, s.id)
	}
	return nil
}

// count is how many streams of a kind run. The caller holds mu.
func (p *pushes) count(kind ResultKind) int {
	n := 0
	for _, s := range p.byID {
		if s.kind == kind {
			n++
		}
	}
	return n
}

func (p *pushes) list() []*stream {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.SortedFunc(maps.Values(p.byID), func(a, b *stream) int { return len(a.id) - len(b.id) })
}

// closeAll ends every stream and refuses new ones.
func (p *pushes) closeAll() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	for _, s := range p.list() {
		_ = s.Close()
	}
}

func (e *Engine) pushInfos() []RunningInfo {
	var list []RunningInfo
	for _, s := range e.pushes.list() {
		list = append(list, RunningInfo{
			QueryString: s.text, Sinks: []string{}, SinkKafkaTopics: []string{}, ID: s.id,
			StatusCount: map[string]int{"RUNNING": 1}, QueryType: string(s.kind), State: "RUNNING",
		})
	}
	return list
}

// CloseQuery implements API.
func (e *Engine) CloseQuery(id string) bool {
	for _, s := range e.pushes.list() {
		if s.id == id {
			s.cancel()
			return true
		}
	}
	return false
}

// run is the stream's goroutine.
func (s *stream) run(work func(context.Context) error) {
	if s.limit == 0 {
		s.final = "Limit Reached"
		return
	}
	s.err = work(s.ctx)
	if errors.Is(s.err, query.ErrDone) {
		s.err = nil
	}
	if s.final == "" && s.err == nil && s.kind == PullResult && s.ctx.Err() == nil {
		s.final = "Query Completed"
	}
}

// take boxes a batch and hands it to the client; it waits while the client is behind.
func (s *stream) take(b *vector.Batch, project []int) error {
	rows := make([]ResultRow, 0, b.Rows())
	for i := range b.Rows() {
		row := b.Row(i)
		out := ResultRow{Values: make([]any, len(project)), Tombstone: b.Op(row) == vector.Delete}
		for j, c := range project {
			if !out.Tombstone || s.keys[j] {
				out.Values[j] = b.Cols[c].Value(row)
			}
		}
		rows = append(rows, out)
		if s.limit > 0 {
			if s.limit--; s.limit == 0 {
				s.final = "Limit Reached"
				break
			}
		}
	}
	if err := s.rows.put(s.ctx, rows); err != nil {
		return err
	}
	if s.final != "" {
		return query.ErrDone
	}
	return nil
}

// QueryID implements ResultSet.
func (s *stream) QueryID() string { return s.id }

// Kind implements ResultSet.
func (s *stream) Kind() ResultKind { return s.kind }

// Columns implements ResultSet.
func (s *stream) Columns() []ResultColumn { return s.columns }

// Final implements ResultSet.
func (s *stream) Final() string {
	if s.silent {
		return ""
	}
	return s.final
}

// Next implements ResultSet.
func (s *stream) Next(ctx context.Context) ([]ResultRow, error) {
	rows, err := s.rows.take(ctx)
	if errors.Is(err, io.EOF) && s.err != nil {
		return nil, s.err
	}
	return rows, err
}

// Close implements ResultSet.
func (s *stream) Close() error {
	s.cancel()
	for range s.rows.batches { // let the goroutine get past a full queue
	}
	s.wg.Wait()
	s.forget()
	return nil
}

// Query implements API.
func (e *Engine) Query(ctx context.Context, r Request) (ResultSet, error) {
	s, pieces, err := e.begin(r)
	if err != nil {
		return nil, err
	}
	for i, p := range pieces {
		stmt, text, err := e.parse(s, p)
		if err != nil {
			return nil, refusal(err, text, nil)
		}
		last := i == len(pieces)-1
		if done, err := e.change(s, stmt); err != nil || done && !last {
			if err != nil {
				return nil, refusal(err, text, nil)
			}
			continue
		}
		if !last {
			return nil, &StatementError{Code: CodeBadRequest, Text: text, Message: "the query endpoint takes one SELECT or PRINT, with SET and DEFINE before it"}
		}
		rows, err := e.query(ctx, s, stmt, text)
		if err != nil {
			return nil, refusal(err, text, nil)
		}
		return rows, nil
	}
	return nil, errors.New("query: no statement")
}
