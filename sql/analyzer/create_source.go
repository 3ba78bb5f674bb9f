package analyzer

import (
	"slices"
	"time"

	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
)

func (s *statement) createSource(x *ast.CreateSource) (Result, error) {
	w, err := readWith(x.With, withCreate, x.Span())
	if err != nil {
		return nil, err
	}
	schema, err := s.declared(x)
	if err != nil {
		return nil, err
	}
	if s.exists(x.Name.Name) && x.IfNotExists {
		return &Nothing{Message: x.Name.Name + " exists already"}, nil
	}
	src := &catalog.Source{
		Name: x.Name.Name, Kind: catalog.SourceKind(x.Kind), Schema: schema, ReadOnly: x.ReadOnly, Statement: s.text,
	}
	if err := checkName(x.Name); err != nil {
		return nil, err
	}
	if err := s.sourceFormats(w, src); err != nil {
		return nil, err
	}
	if err := s.infer(src, w); err != nil {
		return nil, err
	}
	if err := s.checkSchema(src, x, w); err != nil {
		return nil, err
	}
	topic, err := s.sourceTopic(w, src, x)
	if err != nil {
		return nil, err
	}
	if err := s.checkReplace(src, x.OrReplace, x.Name.Span()); err != nil {
		return nil, err
	}
	if err := s.availableBoth(src.KeyFormat, src.ValueFormat, w); err != nil {
		return nil, err
	}
	src.Partitions, src.Replicas = topic.Partitions, topic.Replicas
	r := &CreateSource{Source: src, Topic: topic, OrReplace: x.OrReplace}
	if src.ReadOnly && src.Kind == catalog.Table {
		r.Plan = materialize(src)
	}
	return r, nil
}

// materialize is the plan of a CREATE SOURCE TABLE: its rows are stored for pull queries, and nothing is written.
func materialize(src *catalog.Source) plan.Node {
	n := sourceNode(src, src.Name, nil)
	n.ID, n.Materialized = "source-1", true
	return n
}

func (s *statement) exists(name string) bool { _, ok := s.cat.Source(name); return ok }

// checkName holds the name of a stream or table to letters, digits, _ and -.
func checkName(id ast.Ident) error {
	for _, c := range id.Name {
		if c != '_' && c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return fail("name.characters", id.Span(), "the name %s holds %q; letters, digits, _ and - are allowed", id, c)
		}
	}
	return nil
}

func (s *statement) sourceFormats(w with, src *catalog.Source) (err error) {
	if src.KeyFormat, err = s.format(w, "KEY", nil); err != nil {
		return err
	}
	if src.ValueFormat, err = s.format(w, "VALUE", nil); err != nil {
		return err
	}
	if src.Window, err = w.window(); err != nil {
		return err
	}
	if t := w.text("KAFKA_TOPIC"); t != "" {
		src.Topic = t
		return nil
	}
	return advise(fail("with.topic", w.span("KAFKA_TOPIC"), "KAFKA_TOPIC is missing"), "add WITH (KAFKA_TOPIC = '...')")
}

func (s *statement) availableBoth(key, value plan.Format, w with) error {
	if err := s.available(key, w.span("KEY_FORMAT", "FORMAT")); err != nil {
		return err
	}
	return s.available(value, w.span("VALUE_FORMAT", "FORMAT"))
}

// checkSchema verifies columns against formats and properties.
func (s *statement) checkSchema(src *catalog.Source, x *ast.CreateSource, w with) error {
	cols := schemaColumns(src)
	keys, values := roles(cols, plan.Key), roles(cols, plan.Value)
	if len(keys) == 0 && src.Kind == catalog.Table {
		return advise(fail("key.missing", x.Name.Span(), "table %s has no primary key", src.Name), "declare a column as PRIMARY KEY")
	}
	if len(cols) == 0 {
		return fail("schema.empty", x.Name.Span(), "%s has no columns", src.Name)
	}
	wrapKey(&src.KeyFormat, len(keys))
	if err := s.wrapValue(w, &src.ValueFormat, len(values)); err != nil {
		return err
	}
	var err error
	if src.Timestamp, err = w.timestamp(append(slices.Clone(keys), values...)); err != nil {
		return err
	}
	at := x.Name.Span()
	if err := checkKey(src.KeyFormat, keys, at); err != nil {
		return err
	}
	return checkColumns("value", src.ValueFormat, values, at)
}

// sourceTopic finds the topic, or says how to create it.
func (s *statement) sourceTopic(w with, src *catalog.Source, x *ast.CreateSource) (Topic, error) {
	t := Topic{Name: src.Topic, Cleanup: "delete"}
	if src.Kind == catalog.Table {
		t.Cleanup = "compact"
	}
	if p, ok := w.items["CLEANUP_POLICY"]; ok {
		return t, fail("with.cleanup-policy", p.at, "CLEANUP_POLICY follows from the kind of source and cannot be set")
	}
	if err := s.topicSize(w, &t); err != nil {
		return t, err
	}
	if r, ok := w.items["RETENTION_MS"]; ok {
		if src.Kind == catalog.Table {
			return t, fail("with.retention", r.at, "RETENTION_MS is for streams and windowed tables")
		}
		t.Retention = time.Duration(r.number) * time.Millisecond
	}
	if !t.Exists && t.Partitions == 0 {
		t.Partitions = s.opts.DefaultPartitions
	}
	if !t.Exists && t.Partitions == 0 {
		return t, advise(fail("topic.missing", w.span("KAFKA_TOPIC"), "topic %s does not exist", t.Name), "add PARTITIONS to create it")
	}
	return t, nil
}

// topicSize looks the topic up and reads PARTITIONS and REPLICAS, which must agree with a topic that exists.
func (s *statement) topicSize(w with, t *Topic) error {
	for _, p := range []string{"PARTITIONS", "REPLICAS"} {
		if v, ok := w.items[p]; ok && (v.number < 1 || v.number > 1<<15-1) {
			return fail("with.value", v.at, "%s must lie between 1 and 32767", p)
		}
	}
	partitions, replicas := int32(w.items["PARTITIONS"].number), int16(w.items["REPLICAS"].number)
	if s.opts.Topics != nil {
		p, r, ok, err := s.opts.Topics.Lookup(t.Name)
		if err != nil {
			return err
		}
		if ok {
			t.Exists, t.Partitions, t.Replicas = true, p, r
			if partitions != 0 && partitions != p {
				return fail("topic.partitions", w.span("PARTITIONS"), "topic %s has %d partitions, not %d", t.Name, p, partitions)
			}
			return nil
		}
	}
	t.Partitions, t.Replicas = partitions, replicas
	return nil
}

// declared reads the column list.
func (s *statement) declared(x *ast.CreateSource) (types.Schema, error) {
	var schema types.Schema
	for _, e := range x.Elements {
		c, err := s.column(e, x.Kind)
		if err != nil {
			return schema, err
		}
		if reserved(c.Name) {
			return schema, fail("name.reserved-column", e.Name.Span(), "%s is the name of a system column", types.QuoteName(c.Name))
		}
		if schema.Find(c.Name) >= 0 {
			return schema, fail("name.duplicate-column", e.Name.Span(), "column %s is there twice", types.QuoteName(c.Name))
		}
		if err := checkHeader(schema, c, e); err != nil {
			return schema, err
		}
		schema.Columns = append(schema.Columns, c)
	}
	return schema, nil
}

func (s *statement) column(e *ast.Element, kind ast.SourceKind) (types.Column, error) {
	t, err := s.typeOf(e.Type)
	if err != nil {
		return types.Column{}, err
	}
	c := types.Column{Name: e.Name.Name, Type: t}
	switch e.Constraint {
	case ast.Key:
		c.Role = types.RoleKey
		if kind == ast.Table {
			return c, advise(fail("key.keyword", e.Span(), "column %s of a table is declared KEY", e.Name), "write PRIMARY KEY for tables")
		}
	case ast.PrimaryKey:
		c.Role = types.RoleKey
		if kind == ast.Stream {
			return c, advise(fail("key.keyword", e.Span(), "column %s of a stream is declared PRIMARY KEY", e.Name), "write KEY for streams")
		}
	case ast.Headers:
		c.Role = types.RoleHeader
		if !types.Equal(t, headersType) {
			return c, fail("header.type", e.Type.Span(), "a HEADERS column has type %s, not %s", headersType, t)
		}
	case ast.Header:
		c.Role, c.HeaderKey = types.RoleHeader, e.HeaderKey
		if t.Kind != types.KindBytes {
			return c, fail("header.type", e.Type.Span(), "a HEADER column has type BYTES, not %s", t)
		}
	}
	return c, nil
}

var headersType = types.ArrayOf(types.StructOf(
	types.Field{Name: "KEY", Type: types.String}, types.Field{Name: "VALUE", Type: types.Bytes},
))

// checkHeader: keys of HEADER('k') differ, and nothing about headers follows HEADERS.
func checkHeader(schema types.Schema, c types.Column, e *ast.Element) error {
	if c.Role != types.RoleHeader {
		return nil
	}
	if e.Constraint == ast.Header && e.HeaderKey == "" {
		return fail("header.key", e.Span(), "HEADER needs the name of a header")
	}
	for _, o := range schema.With(types.RoleHeader) {
		if o.HeaderKey == "" || o.HeaderKey == c.HeaderKey {
			return fail("header.twice", e.Span(), "the headers of column %s are already those of column %s", e.Name, types.QuoteName(o.Name))
		}
	}
	return nil
}

// systemColumns are the names that no declared column has.
var systemColumns = []string{"ROWTIME", "ROWPARTITION", "ROWOFFSET", windowStart, windowEnd}

const (
	windowStart = "WINDOWSTART"
	windowEnd   = "WINDOWEND"
)

func reserved(name string) bool { return slices.Contains(systemColumns, name) }
