package remote

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Access says which servers may be asked, and how this program is known to them. Whoever runs the program sets it; statements cannot, or
// they could have a secret sent to a server of their choice.
type Access struct {
	Hosts []string // host or host:port
	// TLS is for https; nil: what the system trusts.
	TLS *tls.Config
	// Tokens return the bearer token for a host or host:port. They may read a file each time.
	Tokens map[string]func() (string, error)
}

// check says whether the server of an endpoint may be asked.
func (a *Access) check(u *url.URL) error {
	if !slices.Contains(a.Hosts, u.Host) && !slices.Contains(a.Hosts, u.Hostname()) {
		return fmt.Errorf("host %s is not among those that the server may ask (--model-hosts)", u.Host)
	}
	if a.token(u) != nil && u.Scheme != "https" && !loopback(u.Hostname()) {
		return fmt.Errorf("host %s has a token, which goes over https only", u.Host)
	}
	return nil
}

func (a *Access) token(u *url.URL) func() (string, error) {
	if t := a.Tokens[u.Host]; t != nil {
		return t
	}
	return a.Tokens[u.Hostname()]
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

var errRedirect = errors.New("redirects are not followed")

// client makes the HTTP client for an endpoint. For gRPC it speaks HTTP/2 alone.
func (a *Access) client(u *url.URL, grpc bool, concurrency int) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = a.TLS.Clone()
	transport.DisableCompression = true // a small answer must not become a large one
	transport.MaxResponseHeaderBytes = 64 << 10
	transport.MaxIdleConnsPerHost = concurrency
	if grpc {
		transport.Protocols = new(http.Protocols)
		transport.Protocols.SetHTTP2(u.Scheme == "https")
		transport.Protocols.SetUnencryptedHTTP2(u.Scheme == "http")
	}
	refuse := func(next *http.Request, _ []*http.Request) error {
		return fmt.Errorf("it redirects to %s: %w", next.URL.Redacted(), errRedirect)
	}
	return &http.Client{Transport: &bearer{a.token(u), transport}, CheckRedirect: refuse}
}

// bearer adds the token to requests.
type bearer struct {
	token func() (string, error) // nil: none
	next  *http.Transport
}

func (b *bearer) RoundTrip(r *http.Request) (*http.Response, error) {
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

// CloseIdleConnections lets http.Client reach the transport.
func (b *bearer) CloseIdleConnections() { b.next.CloseIdleConnections() }

// redact takes the token out of what a server says, which may repeat what it was sent.
func (b *bearer) redact(text string) string {
	if b.token == nil {
		return text
	}
	if token, err := b.token(); err == nil && token != "" {
		text = strings.ReplaceAll(text, token, "...")
	}
	return text
}
