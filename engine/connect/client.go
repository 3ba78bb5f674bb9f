package connect

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Options tell how to reach a Connect cluster. User and Password are for basic authentication; both empty: none.
type Options struct {
	URL            string // of any worker, http or https
	User, Password string
	// Timeout is how long a call may take in all, its repetitions included; 0: 30 seconds, since a cluster that rebalances answers late.
	Timeout time.Duration
}

const (
	// maxAnswer bounds what is read of an answer.
	maxAnswer = 8 << 20
	// maxMessage bounds what is told of an error.
	maxMessage = 2000
)

// Client asks a Connect cluster. It is safe for concurrent use.
type Client struct {
	base    *url.URL
	o       Options
	http    *http.Client
	between time.Duration // attempts
}

// New returns a client. It does not connect.
func New(o Options) (*Client, error) {
	u, err := url.Parse(o.URL)
	if err != nil {
		return nil, errors.New("the URL of Kafka Connect cannot be read") // it may hold a password, and so may the cause
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("the URL of Kafka Connect must be of the form http://host:port or https://host:port")
	}
	if u.User != nil {
		return nil, errors.New("the URL of Kafka Connect must not hold a user or a password; they are options of their own")
	}
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // settings go to the cluster named, nowhere else
	return &Client{base: u, o: o, http: &http.Client{CheckRedirect: stay}, between: 250 * time.Millisecond}, nil
}

// Create makes a connector, or returns ErrExists.
func (c *Client) Create(ctx context.Context, name string, config map[string]string) (Info, error) {
	var out Info
	body := struct {
		Name   string            `json:"name"`
		Config map[string]string `json:"config"`
	}{name, config}
	err := c.call(ctx, "create connector "+name, http.MethodPost, []string{"connectors"}, "", body, &out)
	return out, err
}

// Delete removes a connector, or returns ErrNotFound.
func (c *Client) Delete(ctx context.Context, name string) error {
	return c.call(ctx, "drop connector "+name, http.MethodDelete, []string{"connectors", name}, "", nil, nil)
}

// List returns all connectors by name.
func (c *Client) List(ctx context.Context) (map[string]Listed, error) {
	out := map[string]Listed{}
	err := c.call(ctx, "list connectors", http.MethodGet, []string{"connectors"}, "expand=info&expand=status", nil, &out)
	return out, err
}

// Info returns one connector.
func (c *Client) Info(ctx context.Context, name string) (Info, error) {
	var out Info
	err := c.call(ctx, "describe connector "+name, http.MethodGet, []string{"connectors", name}, "", nil, &out)
	return out, err
}

// Status returns how one connector is doing.
func (c *Client) Status(ctx context.Context, name string) (Status, error) {
	var out Status
	err := c.call(ctx, "status of connector "+name, http.MethodGet, []string{"connectors", name, "status"}, "", nil, &out)
	return out, err
}

// Topics returns the topics that a connector has used. A cluster may be set not to know.
func (c *Client) Topics(ctx context.Context, name string) ([]string, error) {
	var out map[string]struct {
		Topics []string `json:"topics"`
	}
	err := c.call(ctx, "topics of connector "+name, http.MethodGet, []string{"connectors", name, "topics"}, "", nil, &out)
	return out[name].Topics, err
}

// Plugins returns the classes that the cluster could run.
func (c *Client) Plugins(ctx context.Context) ([]Plugin, error) {
	var out []Plugin
	err := c.call(ctx, "list connector plugins", http.MethodGet, []string{"connector-plugins"}, "", nil, &out)
	return out, err
}

// call repeats a request while the cluster says that it is busy with itself, which it says before it has done anything.
func (c *Client) call(ctx context.Context, op, method string, path []string, query string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	for {
		busy, err := c.attempt(ctx, method, path, query, in, out)
		if err == nil {
			return nil
		}
		err = fmt.Errorf("%s: %w", op, err)
		if !busy {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(c.between):
		}
	}
}

func (c *Client) attempt(ctx context.Context, method string, path []string, query string, in, out any) (busy bool, err error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return false, err
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.address(path, query), body)
	if err != nil {
		return false, err
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "millrace")
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.o.User != "" || c.o.Password != "" {
		r.SetBasicAuth(c.o.User, c.o.Password)
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return false, fmt.Errorf("%w: read its answer: %w", ErrUnavailable, err)
	case len(b) > maxAnswer:
		return false, fmt.Errorf("%w: its answer is longer than %d bytes", ErrUnavailable, maxAnswer)
	case resp.StatusCode >= 300:
		return failure(resp.StatusCode, b)
	case out == nil:
		return false, nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return false, fmt.Errorf("%w: its answer is not what Kafka Connect answers: %w", ErrUnavailable, err)
	}
	return false, nil
}

// address escapes names, which may hold anything, also what means something in a path.
func (c *Client) address(path []string, query string) string {
	u := strings.TrimSuffix(c.base.Scheme+"://"+c.base.Host+c.base.EscapedPath(), "/")
	for _, p := range path {
		p = url.PathEscape(p)
		if strings.Trim(p, ".") == "" {
			p = strings.ReplaceAll(p, ".", "%2E") // . and .. would be taken as steps
		}
		u += "/" + p
	}
	if query != "" {
		u += "?" + query
	}
	return u
}

// failure sorts what the cluster answers instead of a result.
func failure(status int, body []byte) (busy bool, err error) {
	var a answer
	told := http.StatusText(status)
	if a.read(body) {
		told = a.Message
	}
	if len(told) > maxMessage {
		told = strings.ToValidUTF8(told[:maxMessage], "") + "..."
	}
	class := ErrRefused
	switch {
	case status == http.StatusNotFound:
		class = ErrNotFound
	case status == http.StatusConflict && strings.Contains(told, "already exists"):
		class = ErrExists
	case status == http.StatusConflict:
		busy, class = true, ErrUnavailable // it rebalances
	case status == http.StatusServiceUnavailable:
		class = ErrUnavailable
	}
	return busy, fmt.Errorf("%w (status %d): %s", class, status, told)
}
