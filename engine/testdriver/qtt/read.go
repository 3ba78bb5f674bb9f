// Package qtt runs ksqlDB's query validation cases on the test driver.
//
// A file holds cases: statements, input records, and the records, sources and topics, or the refusal, that must come of
// them. A case that lists formats or configs runs once for each. The names of internal topics are Kafka Streams' own and
// are not compared.
package qtt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Case is one run of a test: one format and config of it.
type Case struct {
	Name       string // file - name - format - config
	Statements []string
	Properties map[string]string
	Topics     []Topic
	Inputs     []Record
	Outputs    []Record
	Post       postSpec
	Expected   *Exception
	Enabled    bool
	// Rest says that the case talks to a server: it, or another of its file, says what one answers.
	Rest        bool
	Responses   []Response
	Live        bool // the inputs come when the query runs
	VerifyOrder bool
	Protobuf    bool // the SELECTs are run once more, for answers in Protobuf
	dir         string
}

type testSpec struct {
	Name          string
	Enabled       *bool
	Format        []string
	Config        []json.RawMessage
	Statements    []string
	Properties    map[string]json.RawMessage
	Topics        []Topic
	Inputs        []Record
	Outputs       []Record
	Post          postSpec
	Expected      *Exception `json:"expectedException"`
	Responses     []Response
	ExpectedError *Exception

	InputConditions  *InputConditions
	OutputConditions *OutputConditions
	ProtoFormat      bool `json:"testPullWithProtoFormat"`
}

// Response is what a server answers to one statement: one field is set.
type Response struct {
	Admin map[string]json.RawMessage   // fields of an entity
	Query []map[string]json.RawMessage // fields of the objects of the answer
	// QueryProto is Query of an answer in Protobuf, with rows in its text format.
	QueryProto []map[string]json.RawMessage
}

// InputConditions say when the inputs are written.
type InputConditions struct {
	WaitForActivePushQuery bool // once the query runs
}

// OutputConditions say how rows are compared.
type OutputConditions struct {
	VerifyOrder bool
}

// Topic is a topic that is there before the first statement, or after the last one.
type Topic struct {
	Name        string
	Partitions  *int32
	Replicas    *int16
	KeyFormat   formatName
	ValueFormat formatName
	KeySchema   json.RawMessage
	ValueSchema json.RawMessage

	KeySchemaID, ValueSchemaID                 int
	KeySchemaReferences, ValueSchemaReferences []referenceSpec
}

// formatName is a format as a word, or as an object with a format and properties.
type formatName struct {
	Format     string
	WindowType string
	WindowSize int64
	Given      bool
}

// UnmarshalJSON implements json.Unmarshaler.
func (f *formatName) UnmarshalJSON(b []byte) error {
	f.Given = true
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &f.Format)
	}
	var o struct {
		Format, WindowType string
		WindowSize         int64
	}
	if err := json.Unmarshal(b, &o); err != nil {
		return err
	}
	f.Format, f.WindowType, f.WindowSize = o.Format, o.WindowType, o.WindowSize
	return nil
}

// Record is a record as a case writes it.
type Record struct {
	Topic     string
	Key       json.RawMessage
	Value     json.RawMessage
	Timestamp *int64
	Window    *struct {
		Start, End int64
		Type       string
	}
	Headers []struct {
		Key   string  `json:"KEY"`
		Value *string `json:"VALUE"`
	}
}

type postSpec struct {
	Sources []sourceSpec
	Topics  struct {
		Blacklist string
		Topics    []Topic
	}
}

type sourceSpec struct {
	Name, Type, Schema string
	KeyFormat          *formatName
	ValueFormat        json.RawMessage
	IsSource           *bool
}

// Exception is the refusal that a case expects.
type Exception struct {
	Type, Message string
	Status        int // of an HTTP answer; 0: any
}

// Read reads the cases of files, and of the .json files of folders, in order.
func Read(paths []string) ([]Case, error) {
	var out []Case
	for _, p := range paths {
		files, err := list(p)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			cases, err := readFile(f)
			if err != nil {
				return nil, fmt.Errorf("read cases of %s: %w", f, err)
			}
			out = append(out, cases...)
		}
	}
	return out, nil
}

func list(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	var files []string
	err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(p, ".json") {
			files = append(files, p)
		}
		return err
	})
	slices.Sort(files)
	return files, err
}

func readFile(path string) ([]Case, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var file struct{ Tests []testSpec }
	if err := json.Unmarshal(stripComments(text), &file); err != nil {
		return nil, err
	}
	rest := slices.ContainsFunc(file.Tests, func(t testSpec) bool { return t.Responses != nil || t.ExpectedError != nil })
	base := strings.TrimSuffix(filepath.Base(path), ".json")
	var out []Case
	for i := range file.Tests {
		t := &file.Tests[i]
		formats, configs := t.Format, t.Config
		if len(formats) == 0 {
			formats = []string{""}
		}
		if len(configs) == 0 {
			configs = []json.RawMessage{nil}
		}
		for _, f := range formats {
			for _, c := range configs {
				out = append(out, t.expand(base, f, c, filepath.Dir(path), rest))
			}
		}
	}
	return out, nil
}

// expand makes the case of one format and one config.
func (t *testSpec) expand(base, format string, config json.RawMessage, dir string, rest bool) Case {
	c := Case{
		Name: base + " - " + t.Name, Properties: map[string]string{}, Topics: t.Topics, Inputs: t.Inputs, Outputs: t.Outputs,
		Post: t.Post, Expected: t.Expected, Enabled: t.Enabled == nil || *t.Enabled,
		Rest: rest, Responses: t.Responses, dir: dir,
		Live:        t.InputConditions != nil && t.InputConditions.WaitForActivePushQuery,
		Protobuf:    t.ProtoFormat,
		VerifyOrder: t.OutputConditions != nil && t.OutputConditions.VerifyOrder,
	}
	if c.Expected == nil {
		c.Expected = t.ExpectedError
	}
	if format != "" {
		c.Name += " - " + format
	}
	if config != nil {
		c.Name += " - " + Unquote(config)
	}
	for _, s := range t.Statements {
		c.Statements = append(c.Statements, strings.ReplaceAll(s, "{FORMAT}", format))
	}
	for k, v := range t.Properties {
		c.Properties[k] = Unquote(v)
		if c.Properties[k] == "{CONFIG}" {
			c.Properties[k] = Unquote(config)
		}
	}
	return c
}

// Unquote is the text of a JSON scalar.
func Unquote(b json.RawMessage) string {
	var s string
	if json.Unmarshal(b, &s) == nil {
		return s
	}
	return string(b)
}

// stripComments blanks out // and /* */ comments outside strings.
func stripComments(text []byte) []byte {
	out := bytes.Clone(text)
	for i := 0; i < len(out); i++ {
		switch {
		case out[i] == '"':
			for i++; i < len(out) && out[i] != '"'; i++ {
				if out[i] == '\\' {
					i++
				}
			}
		case bytes.HasPrefix(out[i:], []byte("//")):
			for ; i < len(out) && out[i] != '\n'; i++ {
				out[i] = ' '
			}
		case bytes.HasPrefix(out[i:], []byte("/*")):
			end := bytes.Index(out[i:], []byte("*/"))
			if end < 0 {
				end = len(out) - i - 2
			}
			for j := i; j < i+end+2; j++ {
				out[j] = ' '
			}
			i += end + 1
		}
	}
	return out
}
