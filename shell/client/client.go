// Package client is a Go client of the REST API, as the shell uses it.
//
//	c, err := client.New("http://127.0.0.1:8088")
//	entities, err := c.Execute(ctx, client.Request{SQL: "SHOW STREAMS;"})
//	rows, err := c.Query(ctx, client.Request{SQL: "SELECT * FROM s EMIT CHANGES;"})
//	for rows.Next() { use(rows.Row()) }
//	err = rows.Err()
//
// Rows stream: Next returns as soon as the server has sent a row, and canceling the context ends the query on the server too.
// What the server refuses is an *Error; what keeps us from talking to it is a *ConnectionError.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Client talks to one server. It is safe for concurrent use.
type Client struct {
	base *url.URL
	http *http.Client
}

// Request is a script of statements with its session.
type Request struct {
	SQL        string
	Properties map[string]string
	Variables  map[string]string
}

// Entity is the result of one statement. Body is the whole JSON object; its fields depend on Type.
type Entity struct {
	Type          string
	StatementText string
	Warnings      []string
	Body          json.RawMessage
}

// Info is what a server says of itself.
type Info struct {
	Version   string `json:"version"`
	ClusterID string `json:"kafkaClusterId"`
	ServiceID string `json:"ksqlServiceId"`
	Status    string `json:"serverStatus"`
}

// The limits on what a server may send us in one piece.
const (
	maxAnswer    = 256 << 20
	dialTimeout  = 10 * time.Second
	firstAnswers = 5 * time.Minute // a statement may load a model or wait for topics
)

// New returns a client of the server at an URL such as http://127.0.0.1:8088; the scheme may be left out. It does not connect.
func New(server string) (*Client, error) {
	if !strings.Contains(server, "://") {
		server = "http://" + server
	}
	u, err := url.Parse(server)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("invalid server address %q: expected something like http://127.0.0.1:8088", server)
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	dialer := &net.Dialer{Timeout: dialTimeout}
	return &Client{base: u, http: &http.Client{Transport: &http.Transport{
		Proxy:                 nil, // a proxy would see local traffic, and buffer streams
		DialContext:           dialer.DialContext,
		ResponseHeaderTimeout: firstAnswers,
	}}}, nil
}

// Server is the address as a person wrote it, without credentials.
func (c *Client) Server() string { return c.base.Redacted() }

// Host is the host and port of the server.
func (c *Client) Host() string { return c.base.Host }

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Execute runs statements that are not queries. If one fails, the entities of those before it are in the *Error.
func (c *Client) Execute(ctx context.Context, r Request) ([]Entity, error) {
	body, err := c.call(ctx, http.MethodPost, "/ksql", r.body())
	if err != nil {
		return nil, err
	}
	return parseEntities(body)
}

// Info asks the server what it is.
func (c *Client) Info(ctx context.Context) (Info, error) {
	body, err := c.call(ctx, http.MethodGet, "/info", nil)
	if err != nil {
		return Info{}, err
	}
	var v struct{ KsqlServerInfo Info }
	if err := json.Unmarshal(body, &v); err != nil || v.KsqlServerInfo.Version == "" {
		return Info{}, &ConnectionError{Server: c.Server(), Err: errors.New("the answer is not that of a Millrace or ksqlDB server")}
	}
	return v.KsqlServerInfo, nil
}

// ValidProperty says whether the server knows the property, as an *Error if not.
func (c *Client) ValidProperty(ctx context.Context, name string) error {
	_, err := c.call(ctx, http.MethodGet, "/is_valid_property/"+url.PathEscape(name), nil)
	return err
}

// CloseQuery ends a running push query of any client.
func (c *Client) CloseQuery(ctx context.Context, id string) error {
	body, err := json.Marshal(map[string]string{"queryId": id})
	if err != nil {
		return fmt.Errorf("close query %s: %w", id, err)
	}
	_, err = c.call(ctx, http.MethodPost, "/close-query", body)
	return err
}

func (r Request) body() []byte {
	b, err := json.Marshal(map[string]any{
		"ksql": r.SQL, "streamsProperties": nonNil(r.Properties), "sessionVariables": nonNil(r.Variables),
	})
	if err != nil {
		panic(err) // strings and maps of strings always marshal
	}
	return b
}

func nonNil(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// call sends a request and reads the whole answer.
func (c *Client) call(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	resp, err := c.send(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	defer closeBody(resp)
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, c.broken(ctx, err)
	}
	return b, nil
}

// closeBody gives the connection back. Whatever its error, the answer was read or is not wanted.
func closeBody(resp *http.Response) { _ = resp.Body.Close() }

// send sends a request and returns the answer if it is a success.
func (c *Client) send(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base.String()+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.broken(ctx, err)
	}
	if resp.StatusCode < 400 {
		return resp, nil
	}
	defer closeBody(resp)
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, c.broken(ctx, err)
	}
	return nil, parseError(resp.StatusCode, b)
}

// broken says why talking to the server failed: the caller's own doing, or the connection.
func (c *Client) broken(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err // without the URL, which Server repeats
	}
	return &ConnectionError{Server: c.Server(), Err: err}
}
