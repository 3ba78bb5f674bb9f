// Package registry keeps the schemas that records are written with, as Confluent's Schema Registry does: a schema has a number
// that is the same everywhere, and a subject, the key or the value of a topic, has versions of one.
//
// Client talks to a registry over HTTP and remembers what it heard: a number means the same schema for ever, so that decoding asks
// once per number. Memory is a registry of its own for tests and for runs without a server.
//
// A registry that does not answer is ErrUnavailable. That says nothing about the record at hand, so whoever meets it fails and is
// tried again; only ErrNotFound, an answer, may count against a record.
package registry

import (
	"errors"
	"strings"
)

// The kinds of schemas.
const (
	Avro     = "AVRO"
	Protobuf = "PROTOBUF"
	JSON     = "JSON"
)

// The errors that the methods of a Registry wrap.
var (
	ErrNotFound    = errors.New("not found in the schema registry")
	ErrUnavailable = errors.New("the schema registry cannot be reached")
	ErrRefused     = errors.New("the schema registry refuses the schema")
)

// Schema is the text of a schema with the texts that it refers to.
type Schema struct {
	Kind       string // Avro, Protobuf, JSON
	Text       string
	References []Reference
}

// Reference is a schema that another imports under a name. Those that it imports itself are listed beside it.
type Reference struct{ Name, Text string }

// Registry is what decoders, encoders and the analyzer ask of a schema registry. Its methods may block for some seconds, and are safe
// for concurrent use.
type Registry interface {
	// ByID returns the schema with the number.
	ByID(id int) (Schema, error)
	// Latest returns the last version of a subject.
	Latest(subject string) (int, Schema, error)
	// Has says whether there is a schema with the number, and in the subject unless that is "". It asks every time.
	Has(subject string, id int) (bool, error)
	// Register makes the schema the last version of the subject, unless it is among its versions already, and returns its number.
	Register(subject string, s Schema) (int, error)
}

// Subject names the key or the value of a topic.
func Subject(topic string, key bool) string {
	if key {
		return topic + "-key"
	}
	return topic + "-value"
}

// text is the form in which schemas are compared.
func (s Schema) text() string {
	var b strings.Builder
	b.WriteString(s.Kind + "\x00" + s.Text)
	for _, r := range s.References {
		b.WriteString("\x00" + r.Name + "\x00" + r.Text)
	}
	return b.String()
}
