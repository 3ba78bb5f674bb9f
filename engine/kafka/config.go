package kafka

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"github.com/rcrowley/go-metrics"
)

func init() {
	// Sarama keeps a dozen histograms per connection and updates them on every request. Nobody reads them here.
	metrics.UseNilMetrics = true
	// A few kilobytes can decompress to gigabytes.
	sarama.MaxDecompressedBatchSize = 128 << 20
}

// Config says which cluster to talk to and how.
type Config struct {
	// Brokers are addresses to begin with, host:port. One that answers is enough.
	Brokers []string
	// ClientID names this process in the brokers' logs and quotas. Default "millrace".
	ClientID string
	// Dial replaces TCP, for a broker in the same process. It is called from many goroutines.
	Dial func(network, address string) (net.Conn, error)
	// DialTimeout bounds one attempt to connect. Default 5 s.
	DialTimeout time.Duration
	// RequestTimeout bounds the wait for one answer. Default 30 s.
	RequestTimeout time.Duration
	// TLS encrypts connections and checks the brokers' certificates; nil: plain TCP.
	TLS *tls.Config
	// SASL is who this client is; nil: nobody in particular.
	SASL *SASL
}

func (cfg Config) withDefaults() Config {
	if cfg.ClientID == "" {
		cfg.ClientID = "millrace"
	}
	if cfg.DialTimeout == 0 {
		cfg.DialTimeout = 5 * time.Second
	}
	if cfg.RequestTimeout == 0 {
		cfg.RequestTimeout = 30 * time.Second
	}
	if cfg.Dial == nil {
		d := &net.Dialer{Timeout: cfg.DialTimeout, KeepAlive: 30 * time.Second}
		cfg.Dial = d.Dial
	}
	return cfg
}

// dialFunc lets a function stand where sarama wants a proxy dialer.
type dialFunc func(network, address string) (net.Conn, error)

func (f dialFunc) Dial(network, address string) (net.Conn, error) { return f(network, address) }

// sarama is the base of every sarama configuration in this package; connections and the group copy and change it.
func (cfg Config) sarama() *sarama.Config {
	c := sarama.NewConfig()
	// The oldest protocol that has all we use; newer brokers accept it.
	c.Version = sarama.V2_8_0_0
	c.ClientID = cfg.ClientID
	c.Net.DialTimeout = cfg.DialTimeout
	c.Net.ReadTimeout = cfg.RequestTimeout
	c.Net.WriteTimeout = cfg.RequestTimeout
	c.Net.Proxy.Enable = true
	c.Net.Proxy.Dialer = dialFunc(cfg.Dial)
	c.Net.TLS.Enable, c.Net.TLS.Config = cfg.TLS != nil, cfg.TLS
	if cfg.SASL != nil {
		cfg.SASL.apply(c)
	}
	c.Metadata.AllowAutoTopicCreation = false
	c.Metadata.Retry.Max = 1
	c.Metadata.Retry.Backoff = 50 * time.Millisecond
	// A controller or coordinator that moves, or begins, is there within seconds. Brokers that are busy are waited for as other requests wait, and
	// say so before the answer is given up: what came of a topic that was asked for would not be known.
	c.Admin.Retry.Max = 100
	c.Admin.Retry.Backoff = 100 * time.Millisecond
	c.Admin.Timeout = cfg.RequestTimeout * 2 / 3
	return c
}

// Client holds a cluster's metadata and does its administration. It is safe for concurrent use.
type Client struct {
	cfg   Config
	conf  *sarama.Config
	meta  sarama.Client
	admin sarama.ClusterAdmin

	topicsMu sync.Mutex // guards topics, but not the requests on its connections
	topics   *links     // for making and deleting topics
}

// Open connects to the first broker that answers and reads the cluster's layout. When none answers, it returns an
// [UnreachableError] within about two dial timeouts.
func Open(cfg Config) (*Client, error) {
	if len(cfg.Brokers) == 0 {
		return nil, errors.New("kafka: no broker address given")
	}
	if err := cfg.SASL.check(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	conf := cfg.sarama()
	meta, err := sarama.NewClient(cfg.Brokers, conf)
	if err != nil {
		return nil, unreachable(cfg, err)
	}
	admin, err := sarama.NewClusterAdminFromClient(meta)
	if err != nil {
		return nil, errors.Join(unreachable(cfg, err), meta.Close())
	}
	c := &Client{cfg: cfg, conf: conf, meta: meta, admin: admin}
	c.topics = newLinks(c)
	return c, nil
}

// Close releases the shared connections. Close fetchers, readers, producers and memberships first.
func (c *Client) Close() error {
	c.topicsMu.Lock()
	c.topics.close()
	c.topicsMu.Unlock()
	if err := c.meta.Close(); err != nil && !errors.Is(err, sarama.ErrClosedClient) {
		return fmt.Errorf("kafka: close client: %w", err)
	}
	return nil
}

// UnreachableError says why no broker could be reached: one cause per address, and what to look at.
type UnreachableError struct {
	Causes []error
}

func (e *UnreachableError) Error() string {
	var b strings.Builder
	b.WriteString("kafka: no broker can be reached")
	for _, err := range e.Causes {
		b.WriteString("\n  ")
		b.WriteString(err.Error())
	}
	b.WriteString("\n  hint: " + e.hint())
	return b.String()
}

// hint tells what to look at. A broker that wants TLS or a login just ends the connection of a client that does not know.
func (e *UnreachableError) hint() string {
	var unknown *tls.CertificateVerificationError
	var refused *net.OpError
	for _, err := range e.Causes {
		switch {
		case errors.Is(err, sarama.ErrSASLAuthenticationFailed):
			return "the broker refuses the login: check sasl.mechanism, user name and password, or the token"
		case errors.Is(err, sarama.ErrUnsupportedSASLMechanism):
			return "the broker does not offer this sasl.mechanism at this port"
		case errors.As(err, &unknown):
			return "the broker's certificate is not trusted: ssl.ca.location names the file of the authority that signed it"
		case errors.As(err, &refused) && refused.Op == "remote error": // an alert of TLS
			return "the broker refuses our certificate, or wants one: check ssl.certificate.location and ssl.key.location"
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return "the broker ends the connection: it may want TLS or a login here (security.protocol)"
		}
	}
	return "check the address, that the broker runs, and that its advertised listener can be reached from here"
}

// Unwrap gives the causes to errors.Is and errors.As.
func (e *UnreachableError) Unwrap() []error { return e.Causes }

// unreachable asks every address again by hand, since sarama only says that it ran out of brokers.
func unreachable(cfg Config, err error) error {
	causes := make([]error, len(cfg.Brokers))
	done := make(chan struct{})
	for i, addr := range cfg.Brokers {
		go func() {
			defer func() { done <- struct{}{} }()
			conn, dialErr := cfg.Dial("tcp", addr)
			if dialErr != nil {
				causes[i] = fmt.Errorf("%s: %w", addr, dialErr)
				return
			}
			causes[i] = fmt.Errorf("%s: something listens there, but no session with a Kafka broker came about: %w", addr, errors.Join(err, conn.Close()))
		}()
	}
	for range cfg.Brokers {
		<-done
	}
	return &UnreachableError{Causes: causes}
}
