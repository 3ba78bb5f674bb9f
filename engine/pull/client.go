package pull

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// Endpoint is the path at which servers answer each other.
const Endpoint = "/internal/pull"

// chunk is how many rows are handed on at a time, at most. A partition with fewer is handed on as a whole or not at all.
const chunk = 1024

// Client asks other servers. It is safe for concurrent use.
type Client struct{ http *http.Client }

// NewClient returns a client, which keeps connections for a while. It knows no proxies and follows no redirects: the servers of a service reach
// each other.
func NewClient() *Client {
	dial := net.Dialer{Timeout: 3 * time.Second, KeepAlive: 10 * time.Second}
	return &Client{&http.Client{
		Transport: &http.Transport{
			DialContext: dial.DialContext, MaxIdleConnsPerHost: 32, IdleConnTimeout: 30 * time.Second, DisableCompression: true,
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Close drops the connections that are not in use.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// RefusedError is the answer of a server that does not answer the query.
type RefusedError struct {
	Status  int
	Message string
}

func (e *RefusedError) Error() string { return e.Message }

// ErrBroken says that an answer ended in the middle of a partition, of which rows were handed on already.
var ErrBroken = errors.New("rows of a partition were cut off")

// Answer is what a server did with the partitions it was asked for. Those that are in neither list may be asked for again.
type Answer struct{ Done, Moved []int32 }

// Ask runs a request at a server and hands its rows on. The error of take comes back as it is.
func (c *Client) Ask(ctx context.Context, url string, r *Request, cols []*types.Type, take func(*vector.Batch) error) (Answer, error) {
	body, err := c.post(ctx, url+Endpoint, r, MediaType)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = body.Close() }()
	a := answer{reader: newReader(body, cols), take: take}
	err = a.read()
	return a.Answer, err
}

// maxAnswer bounds what is read of the answer to a Call.
const maxAnswer = 64 << 20

// JSON is the media type of what Call sends and reads.
const JSON = "application/json"

// Call puts a question to a server that it answers with one object.
func (c *Client) Call(ctx context.Context, url, path string, question, answer any) error {
	body, err := c.post(ctx, url+path, question, JSON)
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	if err := json.NewDecoder(io.LimitReader(body, maxAnswer)).Decode(answer); err != nil {
		return fmt.Errorf("the answer of %s%s: %w", url, path, err)
	}
	return nil
}

// post sends a question. The answer must have the media type; the caller closes it.
func (c *Client) post(ctx context.Context, url string, question any, mediaType string) (io.ReadCloser, error) {
	text, err := json.Marshal(question)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", JSON)
	req.Header["Idempotency-Key"] = nil // not sent: a connection that the server has just closed is no reason to fail
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != mediaType {
		defer func() { _ = resp.Body.Close() }()
		return nil, refused(resp)
	}
	return resp.Body, nil
}

// refused reads an error object.
func refused(resp *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10)) // whatever of it came
	var object struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(text, &object) != nil || object.Message == "" {
		object.Message = "it answers " + resp.Status
	}
	return &RefusedError{resp.StatusCode, object.Message}
}

// answer reads one answer.
type answer struct {
	*reader
	Answer
	take    func(*vector.Batch) error
	rows    *vector.Batch // not yet handed on
	partial bool          // rows of the present partition were handed on
}

func (a *answer) read() error {
	a.rows = a.batch()
	for {
		kind, data, err := a.next()
		if err != nil {
			return a.cut(err)
		}
		switch kind {
		case frameRow:
			err = a.add(data)
		case frameDone:
			err = a.done(data)
		case frameMoved:
			var p int32
			if p, err = partitionOf(data); err == nil {
				a.Moved = append(a.Moved, p)
			}
		case frameError:
			return &RefusedError{http.StatusInternalServerError, string(data)}
		case frameEnd:
			return a.handOn() // of a partition that the limit ended
		default:
			err = fmt.Errorf("the answer has a frame %q, which this release does not know", kind)
		}
		if err != nil {
			return err
		}
	}
}

func (a *answer) add(data []byte) error {
	if err := a.row.Decode(data, a.rows.Cols); err != nil {
		return err
	}
	if a.rows.N++; a.rows.N < chunk {
		return nil
	}
	a.partial = true
	return a.handOn()
}

func (a *answer) done(data []byte) error {
	p, err := partitionOf(data)
	if err == nil {
		err = a.handOn()
	}
	a.Done, a.partial = append(a.Done, p), false
	return err
}

func (a *answer) handOn() error {
	if a.rows.N == 0 {
		return nil
	}
	b := a.rows
	a.rows = a.batch()
	return a.take(b)
}

// cut says what a broken answer leaves.
func (a *answer) cut(err error) error {
	if a.partial {
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return err
}
