package engine

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/types"
)

// printer is PRINT: a topic's records as text, whatever is in them. One goroutine reads it; it has none of its own.
type printer struct {
	fetcher *kafka.Fetcher
	sub     *kafka.Subscription
	seen    int64
	every   int64
	limit   int64 // < 0: none
	final   string
	forget  func()
}

// printers are the fetchers of PRINT that run. Closing the engine ends them, whatever their clients do.
type printers struct {
	mu   sync.Mutex
	list map[*kafka.Fetcher]bool
	over bool
}

func (p *printers) add(f *kafka.Fetcher) (forget func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.list == nil {
		p.list = map[*kafka.Fetcher]bool{}
	}
	p.list[f] = true
	if p.over {
		f.Close()
	}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.list, f)
	}
}

func (p *printers) closeAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	for f := range p.list {
		f.Close()
	}
}

func (e *Engine) print(ctx context.Context, st *ast.Print) (ResultSet, error) {
	infos, err := e.kafka.DescribeTopics(st.Topic.Name)
	if err != nil {
		return nil, err
	}
	info, ok := infos[st.Topic.Name]
	if !ok {
		return nil, e.unknownTopic(ctx, st.Topic)
	}
	at := kafka.LastStable
	if st.FromBeginning {
		at = kafka.Earliest
	}
	offsets, err := e.offsets(ctx, info.Name, at)
	if err != nil {
		return nil, err
	}
	p := &printer{fetcher: e.kafka.NewFetcher(kafka.FetchConfig{}), every: 1, limit: -1}
	p.forget = e.printers.add(p.fetcher)
	if st.Interval != nil {
		p.every = max(1, st.Interval.Value)
	}
	if st.Limit != nil {
		p.limit = st.Limit.Value
	}
	p.sub = p.fetcher.Subscribe()
	for i, offset := range offsets {
		if err := p.sub.Add(info.Name, int32(i), offset); err != nil {
			return nil, errors.Join(err, p.Close())
		}
	}
	return p, nil
}

func (e *Engine) unknownTopic(ctx context.Context, name ast.Ident) error {
	var names []string
	if list, err := e.topics.List(ctx); err == nil {
		for _, t := range list {
			names = append(names, t.Name)
		}
	}
	hint := ast.Suggest(name.Name, names)
	if hint == "" {
		hint = "topic names keep their case only in quotes: PRINT 'orders'"
	}
	return &ast.Error{Code: "name.topic", Span: name.Span(), Message: "there is no topic " + types.QuoteName(name.Name), Hint: hint}
}

// QueryID implements ResultSet; PRINT has none.
func (p *printer) QueryID() string { return "" }

// Kind implements ResultSet.
func (p *printer) Kind() ResultKind { return PrintResult }

// Columns implements ResultSet.
func (p *printer) Columns() []ResultColumn { return nil }

// Final implements ResultSet.
func (p *printer) Final() string { return p.final }

// Close implements ResultSet.
func (p *printer) Close() error {
	p.forget()
	p.fetcher.Close()
	return nil
}

// Next implements ResultSet.
func (p *printer) Next(ctx context.Context) ([]ResultRow, error) {
	for {
		if p.limit == 0 {
			p.final = "Limit Reached"
			return nil, io.EOF
		}
		var rows []ResultRow
		for _, b := range p.sub.Poll(nil) {
			if b.Err != nil {
				return nil, b.Err
			}
			rows = append(rows, p.lines(&b)...)
		}
		if len(rows) > 0 {
			return rows, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-p.sub.Ready():
		}
	}
}

func (p *printer) lines(b *kafka.FetchedBatch) []ResultRow {
	var rows []ResultRow
	for i := range b.Records {
		r := &b.Records[i]
		p.seen++
		if p.limit == 0 || (p.seen-1)%p.every != 0 {
			continue
		}
		if p.limit > 0 {
			p.limit--
		}
		at := time.UnixMilli(r.Timestamp).UTC().Format("2006/01/02 15:04:05.000 Z")
		line := fmt.Sprintf("rowtime: %s, key: %s, value: %s, partition: %d", at, guess(r.Key), guess(r.Value), b.Partition)
		rows = append(rows, ResultRow{Values: []any{line}})
	}
	return rows
}

// guess shows bytes as what they most likely are: JSON and text as they stand, four or eight other bytes as a number of Kafka's
// own serializers, anything else in hex.
func guess(b []byte) string {
	switch {
	case b == nil:
		return "<null>"
	case json.Valid(b), printable(b):
		return string(b)
	case len(b) == 4:
		return fmt.Sprint(int32(binary.BigEndian.Uint32(b)))
	case len(b) == 8:
		u := binary.BigEndian.Uint64(b)
		if f := math.Float64frombits(u); f != 0 && math.Abs(f) > 1e-6 && math.Abs(f) < 1e15 {
			return fmt.Sprint(f)
		}
		return fmt.Sprint(int64(u))
	}
	return fmt.Sprintf("%x", b)
}

func printable(b []byte) bool {
	if !utf8.Valid(b) {
		return false
	}
	for _, c := range b {
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' {
			return false
		}
	}
	return true
}
