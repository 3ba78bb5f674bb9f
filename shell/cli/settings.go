package cli

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/magiconair/properties"
	"github.com/spf13/pflag"

	"github.com/millrace/millrace/engine"
)

// settings are the lines of a server's configuration file: Java properties with the names that ksqlDB's server and Kafka's clients know.
// Each setting that is read is taken out, so that what is left was not understood.
type settings struct {
	file   string
	values map[string]string
}

// readSettings reads a file. ${env:NAME} stands for an environment variable and ${file:/path} for a file's text, ${file:/path:name} for one
// of its properties, as Kafka's configuration providers have it, so that secrets need not stand in the file.
func readSettings(file string) (*settings, error) {
	l := properties.Loader{Encoding: properties.UTF8, DisableExpansion: true}
	p, err := l.LoadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the settings: %w", err)
	}
	s := &settings{file: file, values: p.Map()}
	for _, name := range slices.Sorted(maps.Keys(s.values)) {
		if s.values[name], err = resolve(s.values[name]); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", file, name, err)
		}
	}
	return s, nil
}

var reference = regexp.MustCompile(`\$\{(env|file):([^}:]+)(?::([^}]+))?\}`)

func resolve(value string) (string, error) {
	var failed error
	out := reference.ReplaceAllStringFunc(value, func(text string) string {
		part := reference.FindStringSubmatch(text)
		found, err := resolveOne(part[1], part[2], part[3])
		if err != nil && failed == nil {
			failed = err
		}
		return found
	})
	return out, failed
}

func resolveOne(kind, where, name string) (string, error) {
	switch {
	case kind == "env":
		v, ok := os.LookupEnv(where)
		if !ok {
			return "", fmt.Errorf("there is no environment variable %s", where)
		}
		return v, nil
	case name == "":
		text, err := os.ReadFile(where)
		return strings.TrimRight(string(text), "\r\n"), err
	}
	l := properties.Loader{Encoding: properties.UTF8, DisableExpansion: true}
	p, err := l.LoadFile(where)
	if err != nil {
		return "", err
	}
	v, ok := p.Get(name)
	if !ok {
		return "", fmt.Errorf("%s has no %s", where, name)
	}
	return v, nil
}

// take returns a setting by the first of its names that is there, "" if none is, and marks all of them as read.
func (s *settings) take(names ...string) string {
	value := ""
	for _, n := range names {
		if value == "" {
			value = s.values[n]
		}
		delete(s.values, n)
	}
	return value
}

// apply sets what the file says and the command line does not.
func (s *settings) apply(o *serverOptions, flags *pflag.FlagSet) error {
	for _, f := range []struct {
		flag  string
		names []string
		as    func(string) string
	}{
		{"bootstrap", []string{"bootstrap.servers", "ksql.streams.bootstrap.servers"}, nil},
		{"listen", []string{"listeners"}, address},
		{"advertise", []string{"ksql.advertised.listener"}, nil},
		{"service", []string{"ksql.service.id"}, nil},
		{"data", []string{"ksql.streams.state.dir", "state.dir"}, nil},
		{"guarantee", []string{"ksql.streams.processing.guarantee", "processing.guarantee"}, strings.ToLower},
		{"commit-interval", []string{"ksql.streams.commit.interval.ms", "commit.interval.ms"}, millis},
		{"memory", []string{"millrace.memory"}, nil},
		{"schema-registry", []string{"ksql.schema.registry.url", "schema.registry.url"}, nil},
		{"connect-url", []string{"ksql.connect.url"}, nil},
	} {
		value := s.take(f.names...)
		if value == "" || flags.Lookup(f.flag) == nil || flags.Changed(f.flag) {
			continue
		}
		if f.as != nil {
			value = f.as(value)
		}
		if err := flags.Set(f.flag, value); err != nil {
			return fmt.Errorf("%s: %s: %w", s.file, f.names[0], err)
		}
	}
	if err := s.secure(&o.engine); err != nil {
		return fmt.Errorf("%s: %w", s.file, err)
	}
	for name, value := range s.values {
		if !engine.IsProperty(name) {
			continue
		}
		delete(s.values, name)
		if _, given := o.properties[name]; !given {
			if o.properties == nil {
				o.properties = map[string]string{}
			}
			o.properties[name] = value
		}
	}
	return nil
}

// address is a listener's: http://0.0.0.0:8088 or the first of several.
func address(listeners string) string {
	first, _, _ := strings.Cut(listeners, ",")
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(first), "http://"), "/")
}

func millis(n string) string {
	if _, err := strconv.ParseInt(n, 10, 64); err == nil {
		return n + "ms"
	}
	return n // flags.Set says what is wrong with it
}

// unknown are the names that nothing read, sorted.
func (s *settings) unknown() []string { return slices.Sorted(maps.Keys(s.values)) }
