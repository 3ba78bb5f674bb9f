package embedded

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Options change how a broker runs. The zero value is a broker without a port.
type Options struct {
	// Listen is a loopback address to open for other processes, such as "127.0.0.1:9092"; empty for none.
	Listen string
	// MaxRequestBytes bounds a request that comes through the port. Default 32 MiB.
	MaxRequestBytes int
	// SyncWrites flushes every batch to the disk before it is acknowledged. Slow; off by default, as in Kafka.
	SyncWrites bool
	// Logger gets the broker's errors, and its diagnostics at level debug. Default slog.Default().
	Logger *slog.Logger
}

// ErrInUse is returned by Open when another process has the directory.
var ErrInUse = errors.New("the directory is in use by another process")

// Broker is a running broker. Its methods are safe for concurrent use.
type Broker struct {
	cluster *kfake.Cluster
	pipe    *listener
	lock    *os.File
	log     *logger
	bootID  string
	close   func() error

	trims  sync.RWMutex // held while the end of a log is asked for, which cannot be done once kfake closes
	closed bool
}

// Open starts a broker on a directory, which it creates and locks. An empty dir keeps everything in memory.
func Open(dir string, opts Options) (*Broker, error) {
	if opts.MaxRequestBytes == 0 {
		opts.MaxRequestBytes = 32 << 20
	}
	if opts.Logger == nil {
		opts.Logger = slog.Default()
	}
	b := &Broker{pipe: newListener(), log: &logger{to: opts.Logger}, bootID: newBootID()}
	b.close = sync.OnceValue(b.shutdown)
	if err := b.start(dir, opts); err != nil {
		return nil, errors.Join(fmt.Errorf("embedded broker: %w", err), b.pipe.Close(), unlock(b.lock))
	}
	return b, nil
}

func (b *Broker) start(dir string, opts Options) (err error) {
	args := []kfake.Opt{
		kfake.NumBrokers(1),
		kfake.ClusterID("millrace-embedded"),
		kfake.WithLogger(b.log),
		kfake.ListenFn(func(string, string) (net.Listener, error) { return b.pipe, nil }),
		kfake.GroupMinSessionTimeout(time.Second),
		kfake.BrokerConfigs(map[string]string{
			"log.cleaner.backoff.ms":     "315360000000", // ten years: see the package comment
			"default.replication.factor": "1",
		}),
	}
	if dir != "" {
		if b.lock, err = lock(dir); err != nil {
			return err
		}
		args = append(args, kfake.DataDir(filepath.Join(dir, "broker")))
	}
	if opts.SyncWrites {
		args = append(args, kfake.SyncWrites())
	}
	if opts.Listen != "" {
		if err := b.pipe.listen(opts.Listen, opts.MaxRequestBytes); err != nil {
			return err
		}
	}
	if b.cluster, err = kfake.NewCluster(args...); err != nil {
		return fmt.Errorf("open %s: %w", dir, err)
	}
	b.cluster.ControlKey(deleteRecords, b.keepLast)
	return nil
}

// Addr is what clients put into their list of brokers: the port's address, or a name that only Dial understands.
func (b *Broker) Addr() string { return b.pipe.Addr().String() }

// Listening says whether other processes can connect.
func (b *Broker) Listening() bool { return b.pipe.tcp != nil }

// Dial connects from within the process; network and address do not matter.
func (b *Broker) Dial(string, string) (net.Conn, error) { return b.pipe.dial() }

// BootID is new at every Open. See the package comment.
func (b *Broker) BootID() string { return b.bootID }

// Compact removes superseded records from compacted topics and what is past the retention of its topic, each log's last record too. No
// transaction may be open on them. A log that is left empty forgets at the next Open how far it went: see [Broker.keepLast].
func (b *Broker) Compact() { b.cluster.Compact() }

// Close writes everything to disk and stops. Clients must have decided their transactions before.
func (b *Broker) Close() error { return b.close() }

func (b *Broker) shutdown() error {
	b.trims.Lock()
	b.closed = true
	b.trims.Unlock()
	b.cluster.Close()
	// kfake only logs what it could not save.
	return errors.Join(b.log.failure(), b.pipe.Close(), unlock(b.lock))
}

func newBootID() string {
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails
	return hex.EncodeToString(id[:])
}

// logger passes kfake's messages on, and remembers the first error for Close to return.
type logger struct {
	to    *slog.Logger
	mu    sync.Mutex
	first error
}

func (l *logger) Logf(level kfake.LogLevel, format string, args ...any) {
	switch level {
	case kfake.LogLevelError:
		err := fmt.Errorf("embedded broker: "+format, args...)
		l.to.Error(err.Error())
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.first == nil {
			l.first = err
		}
	case kfake.LogLevelWarn:
		// These are diagnostics ("EndTxn slow"), not things for an operator.
		l.to.Debug("embedded broker: " + fmt.Sprintf(format, args...))
	}
}

func (l *logger) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.first
}
