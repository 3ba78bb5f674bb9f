package secure

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// Token returns a token that is valid now. It may ask over the network for some seconds, and is safe for concurrent use.
type Token func() (string, error)

// tokenTimeout bounds one question to an identity provider.
const tokenTimeout = 10 * time.Second

// Client is a program's own account at an identity provider: OAuth 2.0's grant "client credentials" (RFC 6749, section 4.4).
type Client struct {
	Endpoint   string // URL of the provider's token endpoint
	ID, Secret string
	Scopes     []string
	TLS        *tls.Config // of the endpoint; nil: the system's
}

// Token asks for tokens, and keeps each until shortly before it expires.
func (c Client) Token() Token {
	conf := clientcredentials.Config{ClientID: c.ID, ClientSecret: c.Secret, TokenURL: c.Endpoint, Scopes: c.Scopes}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = c.TLS
	ctx := context.WithValue(context.Background(), oauth2.HTTPClient, &http.Client{Transport: transport, Timeout: tokenTimeout})
	source := conf.TokenSource(ctx)
	return func() (string, error) {
		t, err := source.Token()
		if err != nil {
			return "", fmt.Errorf("ask %s for a token: %w", c.Endpoint, refusal(err))
		}
		return t.AccessToken, nil
	}
}

// refusal cuts a provider's answer down to what OAuth defines: the rest of the body may repeat what was sent.
func refusal(err error) error {
	var r *oauth2.RetrieveError
	switch {
	case !errors.As(err, &r):
		return err
	case r.ErrorCode != "":
		return fmt.Errorf("%s: %s %s", r.Response.Status, r.ErrorCode, r.ErrorDescription)
	}
	return errors.New(r.Response.Status)
}

// FileToken reads the token from a file each time, as Kubernetes and others renew it there.
func FileToken(file string) Token {
	return func() (string, error) {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("read a token: %w", err)
		}
		token := strings.TrimSpace(string(text))
		if token == "" {
			return "", fmt.Errorf("read a token: %s is empty", file)
		}
		return token, nil
	}
}
