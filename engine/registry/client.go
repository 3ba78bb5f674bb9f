package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/sr"
)

// Options tell how to reach a registry. User and Password are for basic authentication; both empty: none.
type Options struct {
	URLs           []string
	User, Password string
	// Token, if it is not nil, returns the bearer token of each request instead.
	Token func() (string, error)
	// TLS is for URLs with https; nil: what the system trusts.
	TLS *tls.Config
	// Timeout is how long a call may take in all, its repetitions included; 0: 5 seconds.
	Timeout time.Duration
}

// Client is a registry over HTTP.
type Client struct {
	sr      *sr.Client
	timeout time.Duration

	mu         sync.Mutex
	schemas    map[int]Schema
	registered map[string]int // by subject and text
}

// NewClient returns a client. It does not connect.
func NewClient(o Options) (*Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = o.TLS
	opts := []sr.ClientOpt{sr.URLs(o.URLs...), sr.UserAgent("millrace"), sr.HTTPClient(&http.Client{Transport: bearer{o.Token, transport}})}
	if o.User != "" || o.Password != "" {
		opts = append(opts, sr.BasicAuth(o.User, o.Password))
	}
	c, err := sr.NewClient(opts...)
	if err != nil {
		return nil, fmt.Errorf("schema registry: %w", err)
	}
	if o.Timeout == 0 {
		o.Timeout = 5 * time.Second
	}
	return &Client{sr: c, timeout: o.Timeout, schemas: map[int]Schema{}, registered: map[string]int{}}, nil
}

// bearer adds a token to requests.
type bearer struct {
	token func() (string, error) // nil: none
	next  http.RoundTripper
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	if b.token == nil {
		return b.next.RoundTrip(r)
	}
	token, err := b.token()
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+token)
	return b.next.RoundTrip(r)
}

// ByID implements Registry.
func (c *Client) ByID(id int) (Schema, error) {
	c.mu.Lock()
	s, ok := c.schemas[id]
	c.mu.Unlock()
	if ok {
		return s, nil
	}
	err := c.try(func(ctx context.Context) error {
		found, err := c.sr.SchemaByID(ctx, id)
		if err == nil {
			s, err = c.schema(ctx, found)
		}
		return err
	})
	if err != nil {
		return Schema{}, fmt.Errorf("schema %d: %w", id, err)
	}
	c.mu.Lock()
	c.schemas[id] = s
	c.mu.Unlock()
	return s, nil
}

// Latest implements Registry.
func (c *Client) Latest(subject string) (int, Schema, error) {
	var s Schema
	var id int
	err := c.try(func(ctx context.Context) error {
		found, err := c.sr.SchemaByVersion(ctx, subject, -1)
		if err == nil {
			id = found.ID
			s, err = c.schema(ctx, found.Schema)
		}
		return err
	})
	if err != nil {
		return 0, Schema{}, fmt.Errorf("subject %s: %w", subject, err)
	}
	return id, s, nil
}

// Has implements Registry.
func (c *Client) Has(subject string, id int) (bool, error) {
	var subjects []string
	err := c.try(func(ctx context.Context) error {
		var err error
		subjects, err = c.sr.SubjectsByID(ctx, id)
		return err
	})
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("subjects of schema %d: %w", id, err)
	}
	return subject == "" && len(subjects) > 0 || slices.Contains(subjects, subject), nil
}

// Register implements Registry.
func (c *Client) Register(subject string, s Schema) (int, error) {
	key := subject + "\x00" + s.text()
	c.mu.Lock()
	id, ok := c.registered[key]
	c.mu.Unlock()
	if ok {
		return id, nil
	}
	if len(s.References) > 0 {
		return 0, fmt.Errorf("subject %s: %w: a schema with references cannot be registered", subject, ErrRefused)
	}
	schema := sr.Schema{Schema: s.Text}
	if err := schema.Type.UnmarshalText([]byte(s.Kind)); err != nil {
		return 0, fmt.Errorf("subject %s: %w", subject, err)
	}
	err := c.try(func(ctx context.Context) error {
		var err error
		id, err = c.sr.RegisterSchema(ctx, subject, schema, -1, -1)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("register a schema of subject %s: %w", subject, err)
	}
	c.mu.Lock()
	c.registered[key] = id
	c.mu.Unlock()
	return id, nil
}

// maxReferences bounds how many schemas one may lead to.
const maxReferences = 256

// schema fetches what a schema refers to.
func (c *Client) schema(ctx context.Context, from sr.Schema) (Schema, error) {
	s := Schema{Kind: from.Type.String(), Text: from.Schema}
	seen := map[string]bool{}
	todo := from.References
	for len(todo) > 0 {
		r := todo[0]
		todo = todo[1:]
		if seen[r.Name] {
			continue
		}
		if len(seen) == maxReferences {
			return s, errors.New("a schema leads to too many others")
		}
		seen[r.Name] = true
		found, err := c.sr.SchemaByVersion(ctx, r.Subject, r.Version)
		if err != nil {
			return s, fmt.Errorf("reference %s: %w", r.Name, err)
		}
		s.References = append(s.References, Reference{Name: r.Name, Text: found.Schema.Schema})
		todo = append(todo, found.References...)
	}
	return s, nil
}

// try calls until there is an answer or the time is up, and sorts errors by what they mean. An attempt that is cut short when the time is up does not
// hide why the ones before it failed.
func (c *Client) try(call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), c.timeout)
	defer cancel()
	var cause error
	for wait := 50 * time.Millisecond; ; wait *= 2 {
		err := answered(call(ctx))
		if !errors.Is(err, ErrUnavailable) {
			return err
		}
		if cause == nil || ctx.Err() == nil {
			cause = err
		}
		select {
		case <-ctx.Done():
			return cause
		case <-time.After(wait):
		}
	}
}

func answered(err error) error {
	if err == nil {
		return nil
	}
	var r *sr.ResponseError
	if !errors.As(err, &r) || r.StatusCode >= 500 || r.StatusCode == http.StatusTooManyRequests {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if r.StatusCode == http.StatusNotFound {
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return fmt.Errorf("%w: %w", ErrRefused, err)
}
