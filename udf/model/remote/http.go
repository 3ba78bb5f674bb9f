package remote

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"unicode"
)

// metadataLimit bounds what a server may say of itself and of a model.
const metadataLimit = 1 << 20

// web sends requests over HTTP/1.1 or 2.
type web struct{ client *http.Client }

// answer is a response with status 200.
type answer struct {
	header http.Header
	body   []byte
}

func (w web) get(ctx context.Context, url string) (*answer, error) {
	return w.do(ctx, http.MethodGet, url, nil, nil, metadataLimit)
}

// do sends a request and reads the answer, of which limit bytes are taken at most. Errors are callErrors.
func (w web) do(ctx context.Context, method, url string, header http.Header, body []byte, limit int64) (*answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, fault(broken, "%w", err)
	}
	if header != nil {
		req.Header = header
	}
	resp, err := w.client.Do(req)
	switch {
	case errors.Is(err, errRedirect):
		return nil, fault(broken, "%w", err)
	case err != nil:
		return nil, fault(passing, "%w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, w.refusal(resp)
	}
	if resp.ContentLength > limit {
		return nil, fault(broken, "the answer has %d bytes, more than the %d that it may have", resp.ContentLength, limit)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case err != nil:
		return nil, fault(passing, "the answer is cut off: %w", err)
	case int64(len(b)) > limit:
		return nil, fault(broken, "the answer has more than the %d bytes that it may have", limit)
	}
	return &answer{resp.Header, b}, nil
}

// refusal is the error of an answer that is not 200.
func (w web) refusal(resp *http.Response) error {
	kind := broken
	switch code := resp.StatusCode; {
	case code == http.StatusTooManyRequests, code == http.StatusRequestTimeout, code == http.StatusBadGateway, code == http.StatusServiceUnavailable,
		code == http.StatusGatewayTimeout:
		kind = passing
	case code == http.StatusUnauthorized, code == http.StatusForbidden, code == http.StatusNotFound: // of every request, not of these rows
	case code >= 400 && code < 500:
		kind = refused
	}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 16<<10)) // it is for people
	text := said(w.client, body)
	if text == "" {
		return fault(kind, "the server answers %s", resp.Status)
	}
	return fault(kind, "the server answers %s: %s", resp.Status, text)
}

// said is what a server says about an error, without the token that the client may have sent.
func said(c *http.Client, body []byte) string {
	text := message(body)
	if b, ok := c.Transport.(*bearer); ok {
		text = b.redact(text)
	}
	return text
}

// messageLength is how much of what a server says is shown.
const messageLength = 300

// message finds what a server says about an error: a member of a JSON object, or plain text; nothing of a web page.
func message(body []byte) string {
	s := scanner{b: body}
	text := string(body)
	switch s.peek() {
	case '<':
		return "a web page"
	case '{':
		found := ""
		err := s.object(func(key string) error {
			if s.peek() != '"' {
				return s.skip()
			}
			v, err := s.text()
			switch key {
			case "error", "detail", "message":
				found = v
			}
			return err
		})
		if err == nil && found != "" {
			text = found
		}
	}
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	if len(text) > messageLength {
		text = strings.ToValidUTF8(text[:messageLength], "") + "..."
	}
	return text
}

// decode reads an answer that is one JSON object.
func decode(body []byte, field func(s *scanner, key string) error) error {
	s := scanner{b: body}
	if s.peek() == '<' {
		return fault(broken, "the answer is a web page, not JSON")
	}
	err := s.object(func(key string) error { return field(&s, key) })
	if err == nil {
		err = s.end()
	}
	if err != nil {
		return fault(broken, "the answer is not what it should be: %w", err)
	}
	return nil
}

func jsonHeader() http.Header { return http.Header{"Content-Type": {"application/json"}} }

// wrongAnswer is an answer that does not fit the signature.
func wrongAnswer(err error) error {
	return fault(broken, "the answer is not what it should be: %w", err)
}
