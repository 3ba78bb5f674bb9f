package analyzer

import (
	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/catalog"
)

func (s *statement) createAs(x *ast.CreateAs) (Result, error) {
	name := x.Name.Name
	if x.Query.Limit != nil {
		return nil, advise(fail("limit.in-create-as", x.Query.Limit.Span(), "CREATE %s AS SELECT takes no LIMIT: it runs for ever", x.Kind), "leave it out")
	}
	w, err := readWith(x.With, withCreateAs, x.Name.Span())
	if err != nil {
		return nil, err
	}
	if err := checkName(x.Name); err != nil {
		return nil, err
	}
	b, err := s.newQuery(x.Query, name)
	if err != nil {
		return nil, err
	}
	if s.exists(name) && x.IfNotExists {
		return &Nothing{Message: name + " exists already"}, nil
	}
	sink := &catalog.Source{Name: name, Kind: catalog.SourceKind(x.Kind), Statement: s.text}
	sink.Topic = s.conf.text(confTopicPrefix, "") + name
	if w.has("KAFKA_TOPIC") {
		if sink.Topic = w.text("KAFKA_TOPIC"); sink.Topic == "" {
			return nil, fail("with.topic", w.span("KAFKA_TOPIC"), "KAFKA_TOPIC must not be empty")
		}
	}
	b.with = w
	if err := b.sinkFormats(w, sink); err != nil {
		return nil, err
	}
	if err := b.build(); err != nil {
		return nil, err
	}
	if err := b.persist(); err != nil {
		return nil, err
	}
	sink.Window = b.windowInfo()
	root, err := b.finish(w, sink, x.Name.Span())
	if err != nil {
		return nil, err
	}
	if kind := kindName(b.isTable()); kind != sink.Kind {
		return nil, advise(fail("create.kind", x.Name.Span(), "the query makes a %s, not a %s", kind, sink.Kind), "write CREATE %s", kind)
	}
	topic, err := b.sinkTopic(w, sink)
	if err != nil {
		return nil, err
	}
	sink.Partitions, sink.Replicas = topic.Partitions, topic.Replicas
	out := &CreateAs{Sink: sink, Plan: root, Sources: b.sourceNames(), Topic: topic, OrReplace: x.OrReplace, At: x.Name.Span()}
	if err := s.checkReplace(sink, x.OrReplace, x.Name.Span()); err != nil {
		return nil, err
	}
	if err := s.takeOver(out, x); err != nil {
		return nil, err
	}
	return out, s.availableBoth(sink.KeyFormat, sink.ValueFormat, w)
}

// takeOver finds the query that the new one replaces.
func (s *statement) takeOver(out *CreateAs, x *ast.CreateAs) error {
	old, ok := s.cat.Source(out.Sink.Name)
	if !ok {
		return nil
	}
	at := x.Name.Span()
	writers := s.cat.Writers(old.Name)
	switch {
	case old.Query == "":
		return fail("replace.not-allowed.source", at, "%s is not written by a query, so a query cannot replace it", old.Name)
	case len(writers) > 1:
		return fail("replace.not-allowed.writers", at, "%s is written by %d queries", old.Name, len(writers))
	}
	out.Replaces = old.Query
	return nil
}
