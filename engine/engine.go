package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millrace/millrace/engine/cluster"
	"github.com/millrace/millrace/engine/command"
	"github.com/millrace/millrace/engine/connect"
	"github.com/millrace/millrace/engine/directory"
	"github.com/millrace/millrace/engine/format/inference"
	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/engine/kafka/embedded"
	"github.com/millrace/millrace/engine/pull"
	"github.com/millrace/millrace/engine/query"
	"github.com/millrace/millrace/engine/registry"
	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/badger"
	"github.com/millrace/millrace/udf"
	"github.com/millrace/millrace/udf/builtin"
	"github.com/millrace/millrace/udf/model"
	"github.com/millrace/millrace/udf/wasm"
)

// Version is the release, set by the linker.
var Version = "dev"

// Engine runs a service's statements and this server's share of its queries. Open makes one, Close ends it; all other
// methods are safe for concurrent use.
type Engine struct {
	opts       Options
	memory     budget
	log        *slog.Logger
	instance   string // stable id of this data directory
	broker     *embedded.Broker
	kafka      *kafka.Client
	producer   *kafka.Producer // INSERT VALUES
	transients *kafka.Fetcher  // reads for all queries of clients
	clusterID  string
	store      *badger.DB
	guard      badger.Guard
	builtin    *udf.Registry
	callable   atomic.Pointer[udf.Registry] // see functions
	modules    wasm.Library
	models     model.Library
	scored     model.Statistics
	artifacts  *artifacts
	modelRoom  modelRoom
	analyzer   *analyzer.Analyzer
	cluster    *cluster.Service
	queries    *query.Manager
	commandLog *command.Topic
	commands   *command.Log
	plog       *processingLog
	topics     topicLookup
	schemas    registry.Registry    // nil: there is none
	connect    *connect.Client      // nil: there is none
	directory  *directory.Directory // nil: there are no other servers, nor can be
	peers      *pull.Client         // asks them
	patience   time.Duration        // of pull queries

	catalog   atomic.Pointer[catalog.Catalog]
	replay    *replay         // what is read before queries start; nil afterwards
	dropped   map[string]bool // incarnations that were dropped before this start
	stored    sync.Map        // query id -> *command.Query, as the last command has it
	statuses  sync.Map        // command id -> CommandStatus
	pushes    pushes
	printers  printers
	insertSeq atomic.Int64
	applied   atomic.Int64  // commands below this offset were applied
	opened    chan struct{} // closed when Open has done its work
	state     atomic.Int32  // 0 opening, 1 running, 2 closing
	background
}

const (
	opening int32 = iota
	running
	closing
)

// background holds the goroutines of the engine itself; Close ends and awaits them.
type background struct {
	stop context.CancelFunc
	wg   sync.WaitGroup
}

func (o Options) withDefaults() (Options, error) {
	if o.DataDir == "" {
		return o, errors.New("engine: a data directory is needed")
	}
	if o.Service == "" {
		o.Service = "default_"
	}
	if o.Slots == 0 {
		o.Slots = 32
	}
	if o.CommitInterval == 0 {
		o.CommitInterval = 100 * time.Millisecond
	}
	if o.Guarantee == "" {
		o.Guarantee = "exactly_once_v2"
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.ModelDir == "" {
		o.ModelDir = filepath.Join(o.DataDir, "models")
	}
	if o.Memory == 0 {
		o.Memory = defaultMemory
	}
	if o.DiskReserve == 0 {
		o.DiskReserve = 512 << 20
	}
	if o.KafkaListen != "" && len(o.Bootstrap) > 0 {
		return o, errors.New("engine: a listener of the embedded broker makes no sense beside other brokers")
	}
	if err := validGuarantee(o.Guarantee); err != nil {
		return o, err
	}
	if err := o.checkRuntime(); err != nil {
		return o, fmt.Errorf("engine: %w", err)
	}
	var err error
	if o.Properties, err = checkedProperties(o.Properties); err != nil {
		return o, fmt.Errorf("engine: %w", err)
	}
	if o.Slots < 1 || o.Slots > 1024 {
		return o, fmt.Errorf("engine: %d slots: a service has 1 to 1024", o.Slots)
	}
	return o, nil
}

func validGuarantee(v string) error {
	if err := oneOf("exactly_once_v2", "at_least_once")(v); err != nil {
		return fmt.Errorf("engine: processing.guarantee: %w", err)
	}
	return nil
}

// Open starts an engine: it takes the data directory, connects, replays the command log and starts the queries. When it returns
// an error nothing is left running.
func Open(ctx context.Context, o Options) (*Engine, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	memory, err := share(o.Memory)
	if err != nil {
		return nil, err
	}
	e := &Engine{opts: o, memory: memory, log: o.Logger, replay: newReplay(), patience: pullPatience, opened: make(chan struct{})}
	e.catalog.Store(&catalog.Catalog{})
	for _, step := range []func(context.Context) error{
		e.openConnect, e.openDir, e.openKafka, e.openStore, e.openSQL, e.openRuntime, e.openCommands, e.startQueries, e.openDirectory,
	} {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, e.Close(context.WithoutCancel(ctx)))
		}
	}
	e.state.Store(running)
	close(e.opened)
	return e, nil
}

// openDir creates the data directory and reads, or makes, the instance id.
func (e *Engine) openDir(context.Context) error {
	for _, dir := range []string{e.opts.DataDir, e.opts.ModelDir} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("data directory: %w", err)
		}
	}
	path := filepath.Join(e.opts.DataDir, "instance")
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) || err == nil && len(b) == 0 { // an empty one was torn
		b = []byte(rand.Text())
		err = os.WriteFile(path+".tmp", b, 0o600)
		if err == nil {
			err = os.Rename(path+".tmp", path)
		}
	}
	if err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	e.instance = string(b)
	return nil
}

// openKafka connects to the brokers, or starts the one inside.
func (e *Engine) openKafka(ctx context.Context) error {
	cfg := kafka.Config{Brokers: e.opts.Bootstrap, ClientID: "millrace-" + e.opts.Service + "-" + e.instance, TLS: e.opts.TLS, SASL: e.opts.SASL}
	if len(cfg.Brokers) == 0 {
		b, err := embedded.Open(e.opts.DataDir, embedded.Options{Listen: e.opts.KafkaListen, Logger: e.log})
		if err != nil {
			return err
		}
		e.broker = b
		cfg.Brokers, cfg.Dial, cfg.TLS, cfg.SASL = []string{b.Addr()}, b.Dial, nil, nil
	}
	c, err := kafka.Open(cfg)
	if err != nil {
		return err
	}
	e.kafka, e.topics = c, topicLookup{c}
	e.producer = c.NewProducer(kafka.ProducerConfig{})
	e.transients = c.NewFetcher(kafka.FetchConfig{BufferBytes: transientBuffer})
	if e.clusterID, err = c.ClusterID(ctx); err != nil {
		return err
	}
	return nil
}

// openStore opens the durable state. It is the lock on the data directory where the broker is elsewhere.
func (e *Engine) openStore(context.Context) error {
	dir := filepath.Join(e.opts.DataDir, "state")
	options := badger.Options{Logger: e.log, Memory: e.memory.tables}
	db, err := badger.Open(dir, options)
	if errors.Is(err, state.ErrCorrupt) {
		e.log.Error("the local state cannot be read and is rebuilt from Kafka", "directory", dir, "error", err)
		if err := badger.Destroy(dir); err != nil {
			return fmt.Errorf("remove the broken state: %w", err)
		}
		db, err = badger.Open(dir, options)
	}
	if err != nil {
		return err
	}
	e.store = db
	return nil
}

func (e *Engine) openSQL(ctx context.Context) error {
	var err error
	if len(e.opts.SchemaRegistry.URLs) > 0 {
		if e.schemas, err = registry.NewClient(e.opts.SchemaRegistry); err != nil {
			return err
		}
	}
	e.builtin = builtin.Registry()
	e.callable.Store(e.builtin)
	if e.artifacts, err = openArtifacts(ctx, e.kafka, e.internalTopic("models"), filepath.Join(e.opts.DataDir, "artifacts")); err != nil {
		return err
	}
	e.models.Backends, e.models.Fetch = e.backends(), e.artifacts.load
	e.modules.Fetch = e.artifacts.load
	e.analyzer = analyzer.New(functionResolver{e}, modelResolver{e}, analyzer.Options{
		Topics: e.topics, DefaultPartitions: 1, Schemas: inference.Of(e.schemas),
	})
	return nil
}

// internalTopic names a topic of the service itself.
func (e *Engine) internalTopic(name string) string { return "_millrace-" + e.opts.Service + "-" + name }

// transactionalID is fixed for the life of a service on real brokers, and new at every boot on the embedded one.
func (e *Engine) transactionalID(name string) string {
	id := e.opts.Service + "-" + name
	if e.broker != nil {
		id += "-" + e.broker.BootID()
	}
	return id
}

// Catalog is the definitions as of now.
func (e *Engine) Catalog() *catalog.Catalog { return e.catalog.Load() }

// ready refuses requests outside of the engine's life.
func (e *Engine) ready() error {
	switch e.state.Load() {
	case opening:
		return &StatementError{Code: CodeNotReady, Message: "the server is starting"}
	case closing:
		return &StatementError{Code: CodeShuttingDown, Message: "the server is shutting down"}
	}
	return nil
}

// Close commits and hands over what runs, ends every client's query and gives the data directory free. It is called once.
func (e *Engine) Close(ctx context.Context) error {
	e.state.Store(closing)
	var errs []error
	if e.stop != nil {
		e.stop()
	}
	e.wg.Wait()
	if e.directory != nil {
		e.directory.Close(ctx) // first, so that nobody asks this server any more
	}
	e.pushes.closeAll()
	if e.transients != nil {
		e.transients.Close()
	}
	e.printers.closeAll()
	if e.peers != nil {
		e.peers.Close()
	}
	if e.queries != nil {
		e.queries.Interrupt()
	}
	if e.cluster != nil {
		errs = append(errs, e.cluster.Close(ctx))
	}
	if e.plog != nil {
		e.plog.close()
	}
	if e.commandLog != nil {
		// A statement may still have its turn; what it began must not stay open.
		errs = append(errs, e.commands.Hold(func() error { e.commandLog.Close(); return nil }))
	}
	if e.producer != nil {
		e.producer.Close()
	}
	if e.store != nil {
		errs = append(errs, e.store.Close())
	}
	if e.broker != nil && e.kafka != nil && errors.Join(errs...) == nil {
		if err := e.compactDecided(); err != nil { // the next start or end will do
			e.log.Warn("the broker's log was not compacted", "error", err)
		}
	}
	if e.kafka != nil {
		errs = append(errs, e.kafka.Close())
	}
	if e.broker != nil {
		errs = append(errs, e.broker.Close())
	}
	return errors.Join(errs...)
}
