package kafka

import (
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"slices"

	"github.com/IBM/sarama"
	"github.com/xdg-go/scram"
)

// The mechanisms by which a client says who it is.
const (
	Plain       = sarama.SASLTypePlaintext
	ScramSHA256 = sarama.SASLTypeSCRAMSHA256
	ScramSHA512 = sarama.SASLTypeSCRAMSHA512
	OAuthBearer = sarama.SASLTypeOAuth
)

// Mechanisms lists them.
func Mechanisms() []string { return []string{Plain, ScramSHA256, ScramSHA512, OAuthBearer} }

// SASL is who a client says it is.
type SASL struct {
	// Mechanism is one of Mechanisms.
	Mechanism string
	// User and Password are for PLAIN and SCRAM.
	User, Password string
	// Token is for OAUTHBEARER: it returns a token that is valid now. It is asked for each connection, and again before a broker's
	// connections.max.reauth.ms ends a session (KIP-368).
	Token func() (string, error)
}

// check says what is missing, before sarama would in the words of its own settings.
func (s *SASL) check() error {
	switch {
	case s == nil:
		return nil
	case !slices.Contains(Mechanisms(), s.Mechanism):
		return fmt.Errorf("kafka: unknown SASL mechanism %q (hint: one of %v)", s.Mechanism, Mechanisms())
	case s.Mechanism == OAuthBearer && s.Token == nil:
		return fmt.Errorf("kafka: SASL %s needs a token", s.Mechanism)
	case s.Mechanism != OAuthBearer && (s.User == "" || s.Password == ""):
		return fmt.Errorf("kafka: SASL %s needs a user name and a password", s.Mechanism)
	}
	return nil
}

func (s *SASL) apply(c *sarama.Config) {
	n := &c.Net.SASL
	n.Enable, n.Mechanism, n.User, n.Password = true, sarama.SASLMechanism(s.Mechanism), s.User, s.Password
	switch s.Mechanism {
	case ScramSHA256:
		n.SCRAMClientGeneratorFunc = func() sarama.SCRAMClient { return &scramClient{hash: sha256.New} }
	case ScramSHA512:
		n.SCRAMClientGeneratorFunc = func() sarama.SCRAMClient { return &scramClient{hash: sha512.New} }
	case OAuthBearer:
		n.TokenProvider = tokens(s.Token)
	}
}

// tokens gives sarama our tokens.
type tokens func() (string, error)

func (t tokens) Token() (*sarama.AccessToken, error) {
	token, err := t()
	if err != nil {
		return nil, err
	}
	return &sarama.AccessToken{Token: token}, nil
}

// scramClient is one conversation of SCRAM (RFC 5802) in sarama's terms.
type scramClient struct {
	hash scram.HashGeneratorFcn
	*scram.ClientConversation
}

func (s *scramClient) Begin(user, password, authzID string) error {
	c, err := s.hash.NewClient(user, password, authzID)
	if err != nil {
		return fmt.Errorf("begin SCRAM: %w", err)
	}
	s.ClientConversation = c.NewConversation()
	return nil
}
