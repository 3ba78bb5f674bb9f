package cli

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/engine/secure"
)

// secure reads what concerns TLS and logins, of Kafka and of the schema registry.
func (s *settings) secure(o *engine.Options) error {
	encrypted, login, err := protocol(s.take("security.protocol"))
	if err != nil {
		return err
	}
	files, err := s.tls("")
	if err != nil {
		return err
	}
	if encrypted {
		if o.TLS, err = files.Config(); err != nil {
			return err
		}
	}
	sasl, err := s.sasl()
	if err != nil {
		return err
	}
	if login {
		if sasl == nil { // without it the server would connect as nobody
			return errors.New("security.protocol wants a login, and sasl.mechanism is missing")
		}
		o.SASL = sasl
	}
	return s.registry(o)
}

// protocol reads Kafka's security.protocol.
func protocol(name string) (encrypted, login bool, err error) {
	switch strings.ToUpper(name) {
	case "", "PLAINTEXT":
	case "SSL":
		encrypted = true
	case "SASL_PLAINTEXT":
		login = true
	case "SASL_SSL":
		encrypted, login = true, true
	default:
		err = fmt.Errorf("security.protocol: %q is none of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL", name)
	}
	return encrypted, login, err
}

// tls reads the files of a connection by librdkafka's names or by Java's, whose stores must be of the type PEM.
func (s *settings) tls(prefix string) (secure.TLS, error) {
	for _, store := range []string{"ssl.truststore.type", "ssl.keystore.type"} {
		if t := s.take(prefix + store); t != "" && !strings.EqualFold(t, "PEM") {
			return secure.TLS{}, fmt.Errorf("%s%s: %q cannot be read; PEM can (hint: openssl pkcs12 -in store.p12 -nodes -out store.pem)", prefix, store, t)
		}
	}
	if s.take(prefix+"ssl.key.password", prefix+"ssl.keystore.password") != "" {
		return secure.TLS{}, fmt.Errorf("%sssl.key.password: encrypted keys cannot be read (hint: openssl pkey -in client.key -out plain.key)", prefix)
	}
	s.take(prefix + "ssl.truststore.password")
	t := secure.TLS{
		CA:   s.take(prefix+"ssl.ca.location", prefix+"ssl.truststore.location"),
		Cert: s.take(prefix+"ssl.certificate.location", prefix+"ssl.keystore.location"),
		Key:  s.take(prefix + "ssl.key.location"),
	}
	// Both clients take the empty value for "any name".
	name := prefix + "ssl.endpoint.identification.algorithm"
	if v, ok := s.values[name]; ok {
		t.AnyName = v == "" || strings.EqualFold(v, "none")
		s.take(name)
	}
	return t, nil
}

// sasl reads who the server is; nil if nothing is said about it.
func (s *settings) sasl() (*kafka.SASL, error) {
	mechanism := strings.ToUpper(s.take("sasl.mechanism", "sasl.mechanisms"))
	user, password := s.take("sasl.username"), s.take("sasl.password")
	jaas := s.take("sasl.jaas.config")
	if user == "" {
		user, password = jaasOption(jaas, "username"), jaasOption(jaas, "password")
	}
	token, err := s.token("sasl.oauthbearer.", jaas)
	if mechanism == "" || err != nil {
		return nil, err
	}
	return &kafka.SASL{Mechanism: mechanism, User: user, Password: password, Token: token}, nil
}

// token reads where tokens come from: a file that something else renews, or an account at an identity provider.
func (s *settings) token(prefix, jaas string) (secure.Token, error) {
	or := func(value, option string) string {
		if value == "" {
			return jaasOption(jaas, option)
		}
		return value
	}
	s.take(prefix+"method", "sasl.login.callback.handler.class")
	endpoint, file := s.take(prefix+"token.endpoint.url"), s.take(prefix+"token.file")
	c := secure.Client{
		Endpoint: endpoint,
		ID:       or(s.take(prefix+"client.id", prefix+"client.credentials.client.id"), "clientId"),
		Secret:   or(s.take(prefix+"client.secret", prefix+"client.credentials.client.secret"), "clientSecret"),
		Scopes:   strings.Fields(or(s.take(prefix+"scope"), "scope")),
	}
	ca := s.take(prefix + "ssl.ca.location")
	if path, ok := strings.CutPrefix(endpoint, "file://"); ok { // Java's way to say it
		endpoint, file = "", path
	}
	switch {
	case file != "":
		return secure.FileToken(file), nil
	case endpoint == "":
		return nil, nil
	case c.ID == "":
		return nil, errors.New(prefix + "client.id is missing")
	}
	var err error
	if c.TLS, err = (secure.TLS{CA: ca}).Config(); err != nil {
		return nil, err
	}
	return c.Token(), nil
}

// registry reads how the schema registry is reached.
func (s *settings) registry(o *engine.Options) error {
	const prefix = "ksql.schema.registry."
	files, err := s.tls(prefix)
	if err != nil {
		return err
	}
	if o.SchemaRegistry.TLS, err = files.Config(); err != nil {
		return err
	}
	s.take(prefix + "basic.auth.credentials.source")
	if info := s.take(prefix+"basic.auth.user.info", "schema.registry.basic.auth.user.info"); info != "" {
		o.SchemaRegistry.User, o.SchemaRegistry.Password, _ = strings.Cut(info, ":")
	}
	s.take(prefix + "bearer.auth.credentials.source")
	if token := s.take(prefix + "bearer.auth.token"); token != "" {
		o.SchemaRegistry.Token = func() (string, error) { return token, nil }
		return nil
	}
	token, err := s.token(prefix+"oauthbearer.", "")
	o.SchemaRegistry.Token = token
	return err
}

// jaasOption reads one option of a login module's line, name="value".
func jaasOption(jaas, name string) string {
	m := regexp.MustCompile(`\b` + name + `\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;]+))`).FindStringSubmatch(jaas)
	if m == nil {
		return ""
	}
	if m[2] != "" {
		return m[2]
	}
	return regexp.MustCompile(`\\(.)`).ReplaceAllString(m[1], "$1")
}
