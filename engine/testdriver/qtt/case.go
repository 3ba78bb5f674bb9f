package qtt

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/millrace/millrace/engine/registry"
	"github.com/millrace/millrace/engine/testdriver"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/parser"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/udf"
)

// Failure is why a case failed: a short reason that many cases share, and what is the matter with this one.
type Failure struct{ Reason, Detail string }

func (f *Failure) Error() string { return f.Reason + ": " + f.Detail }

// Failf makes a Failure.
func Failf(reason, format string, args ...any) *Failure {
	return &Failure{reason, fmt.Sprintf(format, args...)}
}

// Server runs the cases that talk to a server. Package rqtt has one.
type Server interface {
	Run(c *Case) error // nil if the case passed
	Close() error
}

// runner runs cases.
type runner struct {
	open      func() (Server, error)
	server    Server // once a case needed it
	functions *udf.Registry
	rules     Rules
	batch     int
	commit    int  // batches a transaction; each is aborted once, and the tasks are built anew behind it. 0: one transaction
	plain     bool // without the optimizer
	// seen is told what a case wrote; nil: nobody asks.
	seen func(c *Case, outputs string)
}

// run runs a case and returns nil if it passed.
func (r *runner) run(c *Case) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = Failf("panic", "%v", p)
		}
	}()
	if c.Rest {
		return r.serve(c)
	}
	topics, read := map[string]int32{}, readTopics(c)
	for _, t := range c.Topics {
		if t.Partitions == nil && read[t.Name] {
			continue // it is as its statement says
		}
		topics[t.Name] = 1
		if t.Partitions != nil {
			topics[t.Name] = *t.Partitions
		}
	}
	schemas := &registry.Memory{}
	later := registerRead(schemas, c, read)
	d := testdriver.New(testdriver.Options{
		Schemas:   schemas,
		Functions: r.functions, Properties: c.Properties, Topics: topics, BatchSize: r.batch, NoOptimizer: r.plain, CommitEvery: r.commit, Restart: r.commit > 0, Abort: r.commit > 0,
	})
	for i, s := range c.Statements {
		if later != nil && writes(s) {
			later()
			later = nil
		}
		if err := d.Execute(s); err != nil {
			r.tell(c, d, err)
			return r.refused(c, i, err)
		}
	}
	if err := r.feed(d, c); err != nil {
		return err
	}
	err = d.Run()
	r.tell(c, d, err)
	if err != nil {
		return r.refused(c, len(c.Statements), err)
	}
	if c.Expected != nil {
		return Failf("not refused", "expected a refusal: %s", c.Expected.Message)
	}
	if err := compareOutputs(d, c); err != nil {
		return err
	}
	return comparePost(d, c)
}

// tell writes down what the case's queries wrote. Where one fails nothing counts: its transaction never ends.
func (r *runner) tell(c *Case, d *testdriver.Driver, err error) {
	if r.seen == nil {
		return
	}
	if err != nil {
		r.seen(c, fmt.Sprintf("error: %v\n", err))
		return
	}
	var b strings.Builder
	for _, s := range d.Catalog().Sources() {
		if s.Query == "" {
			continue
		}
		for _, rec := range d.Outputs(s.Topic) {
			fmt.Fprintf(&b, "%s: %q = %q, null %t, @%d %q\n", s.Topic, rec.Key, rec.Value, rec.Value == nil, rec.Timestamp, rec.Headers)
		}
	}
	r.seen(c, b.String())
}

// serve runs a case on a server, which starts with the first such case.
func (r *runner) serve(c *Case) error {
	if r.open == nil {
		return Failf("server", "the case talks to a server")
	}
	if r.server == nil {
		s, err := r.open()
		if err != nil {
			return Failf("server", "start: %v", err)
		}
		r.server = s
	}
	return r.server.Run(c)
}

func (r *runner) close() error {
	if r.server == nil {
		return nil
	}
	return r.server.Close()
}

// refused judges an error at statement i, or behind the last one while running.
func (r *runner) refused(c *Case, i int, err error) error {
	code := codeOf(err)
	if c.Expected == nil {
		if code == "" {
			return Failf("error", "%v", err)
		}
		if code == "function.unknown" {
			return Failf("refused function.unknown", "%v", err)
		}
		return Failf("refused "+code, "%v", err)
	}
	want, rerr := r.rules.Wanted(c)
	if rerr != nil {
		return rerr
	}
	if want == "runtime" && i == len(c.Statements) {
		return nil
	}
	if i < len(c.Statements)-1 {
		return Failf("refused too early", "statement %d: %s: %v; expected %s", i+1, code, err, want)
	}
	if !Satisfies(code, want) {
		return Failf("other rule", "%s (%v); expected %s: %s", code, err, want, c.Expected.Message)
	}
	return nil
}

// feed gives the driver the inputs.
func (r *runner) feed(d *testdriver.Driver, c *Case) error {
	for i := range c.Inputs {
		in := &c.Inputs[i]
		f := FormatsOf(d.Catalog(), c, in.Topic)
		f.Schemas = d.Schemas()
		rec := testdriver.Record{Topic: in.Topic}
		var err error
		if rec.Record, err = in.Encode(f); err != nil {
			return Failf("input", "input %d: %v", i, err)
		}
		d.Input(rec)
	}
	return nil
}

// Formats are those of a topic's records. Schemas is where the formats with schemas find them; FormatsOf leaves it to the caller.
type Formats struct {
	Schemas      registry.Registry
	key, value   plan.Format
	keys, values []types.Column
	window       *plan.WindowInfo
}

func (f *Formats) side(topic string, key bool) *side {
	if key {
		return &side{f.Schemas, topic, key, f.key, f.keys}
	}
	return &side{f.Schemas, topic, key, f.value, f.values}
}

// FormatsOf finds a topic's formats: those of a source over it, the one that a query writes before others.
func FormatsOf(cat *catalog.Catalog, c *Case, topic string) Formats {
	var found *catalog.Source
	for _, s := range cat.Sources() {
		if s.Topic == topic && (found == nil || s.Query != "" && found.Query == "") {
			found = s
		}
	}
	if found != nil {
		return Formats{
			key: found.KeyFormat, value: found.ValueFormat, keys: found.Schema.Keys(), values: found.Schema.Values(), window: found.Window,
		}
	}
	f := Formats{key: plan.Format{Name: "KAFKA"}, value: plan.Format{Name: "JSON"}}
	for _, t := range c.Topics {
		if t.Name != topic {
			continue
		}
		if t.KeyFormat.Given {
			f.key.Name = t.KeyFormat.Format
		}
		if t.ValueFormat.Given {
			f.value.Name = t.ValueFormat.Format
		}
	}
	return f
}

// comparePost checks the sources and topics that the case expects to be there afterwards.
func comparePost(d *testdriver.Driver, c *Case) error {
	for _, want := range c.Post.Sources {
		if err := compareSource(d, want); err != nil {
			return err
		}
	}
	if p := c.Post.Topics.Blacklist; p != "" {
		re, err := regexp.Compile("^(?:" + p + ")$")
		if err != nil {
			return Failf("post.topics", "blacklist: %v", err)
		}
		for _, t := range d.InternalTopics() {
			if re.MatchString(t) {
				return Failf("post.topics", "topic %s is not expected", t)
			}
		}
	}
	return nil
}

func compareSource(d *testdriver.Driver, want sourceSpec) error {
	got, ok := d.Catalog().Source(want.Name)
	if !ok {
		return Failf("post.sources", "there is no source %s", want.Name)
	}
	if !strings.EqualFold(string(got.Kind), want.Type) && want.Type != "" {
		return Failf("post.sources", "%s is a %s, expected %s", want.Name, got.Kind, want.Type)
	}
	if want.Schema != "" {
		have, err := canonical(got.Schema.String())
		if err != nil {
			return err
		}
		need, err := canonical(want.Schema)
		if err != nil {
			return Failf("post.sources", "schema of %s: %v", want.Name, err)
		}
		if have != need {
			return Failf("post.sources", "schema of %s is %s, expected %s", want.Name, have, need)
		}
	}
	if f := want.KeyFormat; f != nil {
		if f.Format != "" && f.Format != got.KeyFormat.Name {
			return Failf("post.sources", "key format of %s is %s, expected %s", want.Name, got.KeyFormat.Name, f.Format)
		}
		kind := ""
		if got.Window != nil {
			kind = string(got.Window.Kind)
		}
		if kind != f.WindowType {
			return Failf("post.sources", "window of %s is %q, expected %q", want.Name, kind, f.WindowType)
		}
		if f.WindowSize != 0 && got.Window.Size.Milliseconds() != f.WindowSize {
			return Failf("post.sources", "window of %s has size %s, expected %d ms", want.Name, got.Window.Size, f.WindowSize)
		}
	}
	if want.ValueFormat != nil {
		if name := Unquote(want.ValueFormat); !strings.HasPrefix(name, "{") && name != got.ValueFormat.Name {
			return Failf("post.sources", "value format of %s is %s, expected %s", want.Name, got.ValueFormat.Name, name)
		}
	}
	return nil
}

// intWord is the short name of INTEGER; VARCHAR stands for STRING and is read as such.
var intWord = regexp.MustCompile(`\bINT\b`)

// canonical writes a schema in one form, whichever of the language's it came in.
func canonical(schema string) (string, error) {
	elements, err := parser.ParseSchema(schema)
	if err != nil {
		return "", errors.New("cannot read schema " + schema + ": " + err.Error())
	}
	var b strings.Builder
	for _, e := range elements {
		text := strings.ReplaceAll(e.String(), "PRIMARY KEY", "KEY")
		b.WriteString(intWord.ReplaceAllString(strings.ReplaceAll(text, "VARCHAR", "STRING"), "INTEGER") + ", ")
	}
	return b.String(), nil
}
