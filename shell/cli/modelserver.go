package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/engine/secure"
)

// modelServers are the flags about servers that models are on.
type modelServers struct {
	ca     string
	tokens []string
}

// apply reads them. That a token can be read is seen now, and not when a row is to be scored; errors never show one.
func (m *modelServers) apply(o *engine.Options) (err error) {
	if m.ca != "" {
		if o.ModelTLS, err = (secure.TLS{CA: m.ca}).Config(); err != nil {
			return fmt.Errorf("--model-ca: %w", err)
		}
	}
	o.ModelTokens = map[string]secure.Token{}
	for _, text := range m.tokens {
		host, from, ok := strings.Cut(text, "=")
		if !ok || host == "" || from == "" {
			return fmt.Errorf("--model-token: it must be HOST=FILE or HOST=env:NAME")
		}
		token := secure.FileToken(from)
		if name, ok := strings.CutPrefix(from, "env:"); ok {
			token = envToken(name)
		}
		if _, err := token(); err != nil {
			return fmt.Errorf("--model-token for %s: %w", host, err)
		}
		o.ModelTokens[host] = token
	}
	return nil
}

// envToken is the token in an environment variable.
func envToken(name string) secure.Token {
	value := strings.TrimSpace(os.Getenv(name))
	return func() (string, error) {
		if value == "" {
			return "", fmt.Errorf("read a token: the environment has no %s", name)
		}
		return value, nil
	}
}
