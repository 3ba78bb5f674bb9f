// Package rqtt runs ksqlDB's REST validation cases: their statements go to a real HTTP server over a real engine, whose broker is
// the embedded one.
//
// A case's topics are made, its statements but the SELECTs are posted together, its inputs are written, and once the persistent
// queries have committed them the SELECTs are posted one by one. Then answers and topics are compared. One engine serves many
// cases: between them everything is dropped.
package rqtt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/engine/registry"
	"github.com/millrace/millrace/engine/server"
	"github.com/millrace/millrace/engine/testdriver"
	"github.com/millrace/millrace/engine/testdriver/qtt"
)

// Timeouts: of the engine's start and end, and of everything that a case waits for.
const (
	lifeTimeout = 2 * time.Minute
	caseTimeout = 2 * time.Minute
)

// Server is an engine behind its HTTP server. It is not safe for concurrent use.
type Server struct {
	dir    string
	engine *engine.Engine
	url    string
	client http.Client
	rules  qtt.Rules
	stop   context.CancelFunc
	served chan error
	used   bool // the last case's objects are still there

	registry schemaRegistry
	schemas  *httptest.Server
}

// Open starts an engine in a temporary directory and a server on a port of the loopback interface.
func Open() (qtt.Server, error) {
	s := &Server{}
	if err := s.start(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) start() error {
	var err error
	if s.dir, err = os.MkdirTemp("", "millrace-cases-"); err != nil {
		return err
	}
	s.registry.renew()
	s.schemas = httptest.NewServer(s.registry.handler())
	log := slog.New(slog.DiscardHandler)
	ctx, cancel := context.WithTimeout(context.Background(), lifeTimeout)
	defer cancel()
	s.engine, err = engine.Open(ctx, engine.Options{
		SchemaRegistry: registry.Options{URLs: []string{s.schemas.URL}},
		DataDir:        s.dir, Slots: 1, CommitInterval: 5 * time.Millisecond, Logger: log, DiskReserve: 1 << 20,
		// What the cases were recorded with: all of the input, every update of a table, scalable push queries.
		Properties: map[string]string{
			"auto.offset.reset": "earliest", "cache.max.bytes.buffering": "0", "ksql.query.push.v2.enabled": "true",
		},
	})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	addr := l.Addr().String()
	s.url = "http://" + addr
	var serving context.Context
	serving, s.stop = context.WithCancel(context.Background())
	s.served = make(chan error, 1)
	srv := server.New(s.engine, server.Config{Addr: addr, Logger: log})
	go func() { s.served <- srv.Serve(serving, l) }()
	return nil
}

// Close ends server and engine and removes the directory.
func (s *Server) Close() error {
	var errs []error
	if s.stop != nil {
		s.stop()
		errs = append(errs, <-s.served)
		s.client.CloseIdleConnections()
		s.stop = nil
	}
	if s.engine != nil {
		ctx, cancel := context.WithTimeout(context.Background(), lifeTimeout)
		defer cancel()
		errs = append(errs, s.engine.Close(ctx))
		s.engine = nil
	}
	if s.schemas != nil {
		s.schemas.Close()
		s.schemas = nil
	}
	return errors.Join(append(errs, os.RemoveAll(s.dir))...)
}

// clean gives the next case an empty engine: the same one if it has not met the registry, whose answers it
// remembers, and everything could be dropped, else a new one.
func (s *Server) clean(ctx context.Context) error {
	if s.engine != nil && (!s.used || !s.registry.asked.Load() && s.dropAll(ctx) == nil) {
		s.used = false
		s.registry.renew()
		return nil
	}
	s.used = false
	_ = s.Close() // whatever is the matter with it, it is not used again
	return s.start()
}

func (s *Server) dropAll(ctx context.Context) error {
	if _, err := s.engine.Execute(ctx, engine.Request{SQL: "TERMINATE ALL;"}); err != nil {
		return err
	}
	for _, src := range s.engine.Catalog().Sources() {
		if strings.HasSuffix(src.Name, "PROCESSING_LOG") {
			continue
		}
		drop := fmt.Sprintf("DROP %s `%s`;", src.Kind, src.Name)
		if _, err := s.engine.Execute(ctx, engine.Request{SQL: drop}); err != nil {
			return err
		}
	}
	for _, name := range s.engine.Catalog().Types() {
		if _, err := s.engine.Execute(ctx, engine.Request{SQL: "DROP TYPE `" + name + "`;"}); err != nil {
			return err
		}
	}
	topics, err := s.engine.Kafka().ListTopics()
	if err != nil {
		return err
	}
	var names []string
	for _, t := range topics {
		if !t.Internal && !strings.HasPrefix(t.Name, "_millrace-") && !strings.HasSuffix(t.Name, "processing_log") {
			names = append(names, t.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return s.engine.Kafka().DeleteTopics(names...)
}

// defaultPartitions is how many partitions a topic has that neither the case nor its statement says more of.
const defaultPartitions = testdriver.DefaultPartitions
