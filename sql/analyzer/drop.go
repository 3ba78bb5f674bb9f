package analyzer

import (
	"strings"

	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/catalog"
)

func (s *statement) dropSource(x *ast.DropSource) (Result, error) {
	name := x.Name.Name
	src, ok := s.cat.Source(name)
	if !ok {
		if x.IfExists {
			return &Nothing{Message: name + " does not exist"}, nil
		}
		return nil, s.unknownSource(x.Name)
	}
	if src.Kind != catalog.SourceKind(x.Kind) {
		return nil, fail("drop.kind", x.Name.Span(), "%s is a %s, not a %s", name, src.Kind, x.Kind)
	}
	if x.DeleteTopic && src.ReadOnly {
		return nil, fail("source.delete-topic", x.Span(), "%s is read-only: its topic cannot be deleted", name)
	}
	var users []string
	for _, q := range s.cat.Readers(name) {
		if q.ID != src.Query {
			users = append(users, q.ID)
		}
	}
	for _, q := range s.cat.Writers(name) {
		if q.ID != src.Query {
			users = append(users, q.ID)
		}
	}
	if len(users) > 0 {
		return nil, advise(fail("drop.used", x.Name.Span(), "%s is used by %s", name, strings.Join(users, ", ")), "end these queries first (TERMINATE, or DROP what they write)")
	}
	if x.DeleteTopic {
		for _, o := range s.cat.Sources() {
			if o.Name != name && o.Topic == src.Topic {
				return nil, fail("drop.topic-used", x.Span(), "topic %s is also that of %s", src.Topic, o.Name)
			}
		}
	}
	return &Drop{Source: src, Query: src.Query, DeleteTopic: x.DeleteTopic}, nil
}

// unknownSource is the refusal of a stream or table that is not there.
func (s *statement) unknownSource(id ast.Ident) error {
	var names []string
	for _, src := range s.cat.Sources() {
		names = append(names, src.Name)
	}
	return advise(fail("name.source", id.Span(), "there is no stream or table %s", id), "%s", ast.Suggest(id.Name, names))
}
