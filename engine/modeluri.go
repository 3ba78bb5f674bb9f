package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/udf/model"
)

// uploaded begins the URI of bytes that were uploaded before: their sha256 follows.
const uploaded = "sha256:"

// readURI reads a file from where a URI says, which must have the sha256 in hex; "": any.
func (e *Engine) readURI(ctx context.Context, uri, sha256 string) ([]byte, error) {
	b, err := e.findURI(ctx, uri, sha256)
	if err != nil {
		return nil, err
	}
	if sha256 != "" && !matches(b, strings.ToLower(sha256)) {
		return nil, fmt.Errorf("file %s: its sha256 is %s", uri, model.NewArtifact("", b).SHA256)
	}
	return b, nil
}

// findURI reads from a web server that is allowed, what was uploaded, or the model folder.
func (e *Engine) findURI(ctx context.Context, uri, sha256 string) ([]byte, error) {
	if digest, ok := strings.CutPrefix(uri, uploaded); ok {
		if len(digest) != 64 || strings.Trim(digest, "0123456789abcdef") != "" {
			return nil, fmt.Errorf("file %s: a sha256 is 64 hexadecimal digits in lower case", uri)
		}
		return e.artifacts.load(ctx, digest)
	}
	if scheme, _, ok := strings.Cut(uri, "://"); ok && (scheme == "http" || scheme == "https") {
		return e.download(ctx, uri, sha256)
	}
	return readModelFile(e.opts.ModelDir, uri)
}

// downloadPatience is how long a model may take to come.
const downloadPatience = 2 * time.Minute

// download reads a model from an allowed host. What comes is checked against the digest by readURI, so it matters little who
// answers; a redirect to another host is refused all the same, lest a host that is allowed lead to one inside.
func (e *Engine) download(ctx context.Context, uri, sha256 string) ([]byte, error) {
	u, err := url.Parse(uri)
	if err != nil {
		return nil, fmt.Errorf("file: %w", err)
	}
	switch {
	case !slices.Contains(e.opts.ModelHosts, u.Host) && !slices.Contains(e.opts.ModelHosts, u.Hostname()):
		return nil, fmt.Errorf("file %s: host %s is not among those that the server may read files from (--model-hosts)", uri, u.Host)
	case sha256 == "":
		return nil, fmt.Errorf("file %s: what comes from a web server needs its digest, SHA256='...'", uri)
	case u.User != nil:
		return nil, errors.New("file: a URI with a password is not taken, since definitions show it")
	}
	ctx, cancel := context.WithTimeout(ctx, downloadPatience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, nil)
	if err != nil {
		return nil, fmt.Errorf("file %s: %w", uri, err)
	}
	client := &http.Client{CheckRedirect: func(next *http.Request, via []*http.Request) error {
		if next.URL.Host != u.Host || next.URL.Scheme != u.Scheme || len(via) > 5 {
			return fmt.Errorf("it redirects to %s", next.URL.Redacted())
		}
		return nil
	}}
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("file %s: %w", uri, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("file %s: the server answers %s", uri, resp.Status)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, model.DefaultMaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("file %s: %w", uri, err)
	}
	return b, nil
}

// UploadModel implements API.
func (e *Engine) UploadModel(ctx context.Context, body io.Reader, size int64) (string, int, error) {
	if err := e.ready(); err != nil {
		return "", 0, err
	}
	if size < 0 {
		size = model.DefaultMaxBytes
	}
	if size == 0 || size > model.DefaultMaxBytes {
		return "", 0, badModel(size)
	}
	release, err := e.modelRoom.take(ctx, size)
	if err != nil {
		return "", 0, err
	}
	defer release()
	b, err := io.ReadAll(io.LimitReader(body, size+1))
	switch {
	case err != nil:
		return "", 0, &StatementError{Code: CodeBadRequest, Rule: "model.file", Message: "the model did not come whole: " + err.Error(), Err: err}
	case len(b) == 0 || int64(len(b)) > size:
		return "", 0, badModel(int64(len(b)))
	}
	sha, err := e.artifacts.save(ctx, b)
	if err != nil {
		return "", 0, &StatementError{Code: CodeServerError, Message: err.Error(), Err: err}
	}
	return sha, len(b), nil
}

func badModel(size int64) error {
	return &StatementError{Code: CodeBadRequest, Rule: "model.file", Message: fmt.Sprintf("a model has 1 to %d bytes, not %d", model.DefaultMaxBytes, size)}
}
