package engine

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/types"
)

// show answers the statements that only read definitions. It reports false for any other statement.
func (e *Engine) show(ctx context.Context, s *session, stmt ast.Statement) ([]EntityBody, bool, error) {
	cat := e.Catalog()
	switch st := stmt.(type) {
	case *ast.ShowStreams:
		return e.showSources(cat, catalog.Stream, st.Extended), true, nil
	case *ast.ShowTables:
		return e.showSources(cat, catalog.Table, st.Extended), true, nil
	case *ast.DescribeStreams:
		return e.describeAll(cat, catalog.Stream, st.Extended), true, nil
	case *ast.DescribeTables:
		return e.describeAll(cat, catalog.Table, st.Extended), true, nil
	case *ast.DescribeSource:
		src, err := lookupSource(cat, st.Name)
		if err != nil {
			return nil, true, err
		}
		return one(SourceDescriptionEntity{e.overview(cat).describeSource(src, st.Extended)}), true, nil
	case *ast.ShowQueries:
		return e.showQueries(cat, st.Extended), true, nil
	case *ast.ShowTypes:
		list := map[string]SchemaInfo{}
		for _, name := range cat.Types() {
			t, _ := cat.Type(name)
			list[name] = schemaInfo(t)
		}
		return one(TypesList{list}), true, nil
	case *ast.ShowVariables:
		var vars []Variable
		for _, name := range slices.Sorted(maps.Keys(s.vars)) {
			vars = append(vars, Variable{name, s.vars[name]})
		}
		return one(VariablesList{vars}), true, nil
	case *ast.ShowProperties:
		return one(e.showProperties(s)), true, nil
	case *ast.ShowTopics:
		b, err := e.showTopics(ctx, st)
		return b, true, err
	case *ast.ShowFunctions:
		return one(e.showFunctions()), true, nil
	case *ast.DescribeFunction:
		b, err := e.describeFunction(st.Name)
		return b, true, err
	case *ast.ShowModels:
		return one(showModels(cat)), true, nil
	case *ast.ShowModelVersions:
		b, err := e.showModelVersions(ctx, cat, st.Name)
		return b, true, err
	case *ast.ShowModelStatistics:
		b, err := e.showModelStatistics(ctx, cat, st.Name)
		return b, true, err
	case *ast.DescribeModel:
		b, err := e.describeModel(ctx, cat, st.Name)
		return b, true, err
	}
	return nil, false, nil
}

func one(b EntityBody) []EntityBody { return []EntityBody{b} }

func (e *Engine) showSources(cat *catalog.Catalog, kind catalog.SourceKind, extended bool) []EntityBody {
	if extended {
		return e.describeAll(cat, kind, true)
	}
	list := []SourceInfo{}
	for _, s := range cat.Sources() {
		if s.Kind == kind {
			list = append(list, SourceInfo{
				Type: string(s.Kind), Name: s.Name, Topic: s.Topic,
				KeyFormat: s.KeyFormat.Name, ValueFormat: s.ValueFormat.Name, IsWindowed: s.Window != nil,
			})
		}
	}
	if kind == catalog.Table {
		return one(TablesList{list})
	}
	return one(StreamsList{list})
}

func (e *Engine) describeAll(cat *catalog.Catalog, kind catalog.SourceKind, extended bool) []EntityBody {
	o, list := e.overview(cat), []SourceDescription{}
	for _, s := range cat.Sources() {
		if s.Kind == kind {
			list = append(list, o.describeSource(s, extended))
		}
	}
	return one(SourceDescriptions{list})
}

func (o *overview) describeSource(s *catalog.Source, extended bool) SourceDescription {
	d := SourceDescription{
		Name: s.Name, Type: string(s.Kind), Fields: sourceFields(s.Schema), Extended: extended,
		KeyFormat: s.KeyFormat.Name, ValueFormat: s.ValueFormat.Name, Topic: s.Topic,
		Partitions: s.Partitions, Replication: s.Replicas, Statement: s.Statement,
		ReadQueries: []RunningInfo{}, WriteQueries: []RunningInfo{}, SourceConstraints: []string{}, QueryOffsetSummaries: []QueryOffsets{},
	}
	if s.Window != nil {
		kind := string(s.Window.Kind)
		d.WindowType = &kind
	}
	if s.Timestamp != nil {
		d.Timestamp = s.Timestamp.Column
	}
	for _, q := range o.cat.Readers(s.Name) {
		d.ReadQueries = append(d.ReadQueries, o.runningInfo(q))
	}
	for _, q := range o.cat.Writers(s.Name) {
		d.WriteQueries = append(d.WriteQueries, o.runningInfo(q))
	}
	if extended {
		o.statistics(&d)
	}
	return d
}

func sourceFields(s types.Schema) []FieldInfo {
	fields := make([]FieldInfo, 0, len(s.Columns))
	add := func(role types.Role, kind string) {
		for _, c := range s.With(role) {
			fields = append(fields, FieldInfo{Name: c.Name, Schema: schemaInfo(c.Type), Type: kind, HeaderKey: c.HeaderKey})
		}
	}
	add(types.RoleKey, "KEY")
	add(types.RoleValue, "")
	add(types.RoleHeader, "HEADER")
	return fields
}

// schemaInfo describes a type as ksqlDB's clients expect it: STRUCT has fields, ARRAY and MAP a member.
func schemaInfo(t *types.Type) SchemaInfo {
	info := SchemaInfo{Type: t.Kind.String()}
	switch t.Kind {
	case types.KindDecimal:
		info.Parameters = map[string]any{"precision": t.Precision, "scale": t.Scale}
	case types.KindArray, types.KindMap:
		m := schemaInfo(t.Elem)
		info.MemberSchema = &m
	case types.KindStruct:
		for _, f := range t.Fields {
			info.Fields = append(info.Fields, FieldInfo{Name: f.Name, Schema: schemaInfo(f.Type)})
		}
	}
	return info
}

func (e *Engine) showQueries(cat *catalog.Catalog, extended bool) []EntityBody {
	o := e.overview(cat)
	if extended {
		list := []QueryDescription{}
		for _, q := range cat.Queries() {
			list = append(list, o.describeQuery(q))
		}
		return one(QueryDescriptionList{list})
	}
	list := []RunningInfo{}
	for _, q := range cat.Queries() {
		list = append(list, o.runningInfo(q))
	}
	return one(Queries{append(list, e.pushInfos()...)})
}

func (o *overview) runningInfo(q *catalog.Query) RunningInfo {
	status := o.e.queries.Status(q.ID)
	states := o.states(q.ID, &status)
	info := RunningInfo{
		QueryString: q.Statement, Sinks: []string{}, SinkKafkaTopics: []string{}, ID: q.ID,
		StatusCount: statusCount(states...), QueryType: "PERSISTENT", State: worst(states), Error: status.Error, Restore: restoreInfo(status.Tasks),
	}
	if sink, ok := o.cat.Source(q.Sink); ok {
		info.Sinks = append(info.Sinks, sink.Name)
		info.SinkKafkaTopics = append(info.SinkKafkaTopics, sink.Topic)
	}
	return info
}

func (e *Engine) showProperties(s *session) PropertiesList {
	list := PropertiesList{Properties: []Property{}, OverwrittenProperties: []string{}, DefaultProperties: []string{}}
	for _, p := range properties {
		value, set := s.props[p.name]
		if !set {
			value = e.property(p.name)
			list.DefaultProperties = append(list.DefaultProperties, p.name)
		} else {
			list.OverwrittenProperties = append(list.OverwrittenProperties, p.name)
		}
		list.Properties = append(list.Properties, Property{Name: p.name, Scope: "KSQL", Value: value})
	}
	list.Properties = append(list.Properties, Property{Name: connectURL, Scope: "KSQL", Value: e.opts.Connect.URL})
	list.DefaultProperties = append(list.DefaultProperties, connectURL)
	return list
}

func (e *Engine) showTopics(ctx context.Context, st *ast.ShowTopics) ([]EntityBody, error) {
	topics, err := e.topics.List(ctx)
	if err != nil {
		return nil, err
	}
	list := TopicsList{Topics: []TopicInfo{}}
	for _, t := range topics {
		if !st.All && (strings.HasPrefix(t.Name, "_") || strings.HasPrefix(t.Name, "__")) {
			continue
		}
		info := TopicInfo{Name: t.Name}
		for range t.Partitions {
			info.ReplicaInfo = append(info.ReplicaInfo, int(t.Replicas))
		}
		list.Topics = append(list.Topics, info)
	}
	return one(list), nil
}

// lookupSource finds a stream or table, or says which name was near.
func lookupSource(cat *catalog.Catalog, name ast.Ident) (*catalog.Source, error) {
	if s, ok := cat.Source(name.Name); ok {
		return s, nil
	}
	var names []string
	for _, s := range cat.Sources() {
		names = append(names, s.Name)
	}
	return nil, &ast.Error{
		Code: "name.source", Span: name.Span(),
		Message: "there is no stream or table " + types.QuoteName(name.Name),
		Hint:    ast.Suggest(name.Name, names),
	}
}
