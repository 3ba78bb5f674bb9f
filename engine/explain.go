package engine

import (
	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/plan"
)

// explain shows the plan of a running query or of a statement that is not run.
func (e *Engine) explain(s *session, st *ast.Explain, text string) ([]EntityBody, error) {
	cat := e.Catalog()
	if st.Statement == nil {
		queries, err := e.targets(st.Query)
		if err != nil {
			return nil, err
		}
		return one(QueryDescriptionEntity{e.overview(cat).describeQuery(queries[0])}), nil
	}
	r, err := e.analyze(s, st.Statement, text)
	if err != nil {
		return nil, err
	}
	node, sources, sink := explained(r)
	if node == nil {
		return nil, &ast.Error{Code: "explain.no-query", Span: st.Span(), Message: "there is no query to explain in this statement"}
	}
	node = e.optimize(node)
	shown, err := e.explainTakeOver(r, node)
	if err != nil {
		return nil, err
	}
	d := QueryDescription{
		StatementText: text, Fields: outFields(node.Columns()), Sources: sources, Sinks: []string{}, ExecutionPlan: shown,
		OverriddenProperties: s.props, QueryErrors: []string{}, TasksMetadata: []TaskMetadata{}, QueryType: "PUSH", HostStatus: map[string]string{},
	}
	if sink != "" {
		d.Sinks, d.QueryType = append(d.Sinks, sink), "PERSISTENT"
	}
	return one(QueryDescriptionEntity{d}), nil
}

// explainTakeOver adds to a plan what becomes of the query that the statement would replace.
func (e *Engine) explainTakeOver(r analyzer.Result, node plan.Node) (string, error) {
	text := plan.Explain(node)
	create, ok := r.(*analyzer.CreateAs)
	if !ok || create.Replaces == "" {
		return text, nil
	}
	taken, err := e.takesOver(create)
	if err != nil {
		return text, err
	}
	return text + "replaces " + create.Replaces + ": " + taken.keeps() + "\n", nil
}

// explained picks the plan out of a statement's analysis.
func explained(r analyzer.Result) (node plan.Node, sources []string, sink string) {
	switch r := r.(type) {
	case *analyzer.CreateAs:
		return r.Plan, r.Sources, r.Sink.Name
	case *analyzer.InsertInto:
		return r.Plan, r.Sources, r.Sink.Name
	case *analyzer.PushQuery:
		return r.Plan, r.Sources, ""
	case *analyzer.PullQuery:
		return r.Plan, []string{r.Source.Name}, ""
	case *analyzer.CreateSource:
		return r.Plan, []string{r.Source.Name}, ""
	}
	return nil, nil, ""
}

func (o *overview) describeQuery(q *catalog.Query) QueryDescription {
	e, status := o.e, o.e.queries.Status(q.ID)
	d := QueryDescription{
		OnError: describePolicy(e.errorPolicy(q.ID, q.Props)),
		ID:      q.ID, StatementText: q.Statement, Fields: outFields(q.Plan.Columns()), Sources: q.Sources, Sinks: []string{},
		Topology: status.Topology, ExecutionPlan: plan.Explain(q.Plan), OverriddenProperties: q.Props, QueryType: "PERSISTENT",
		QueryErrors: []string{}, TasksMetadata: tasksMetadata(status.Tasks), ConsumerGroupID: e.opts.Service + "-" + q.ID, State: worst(o.states(q.ID, &status)),
		Restore: restoreInfo(status.Tasks), HostStatus: map[string]string{},
	}
	if q.Sink != "" {
		d.Sinks = append(d.Sinks, q.Sink)
	}
	if status.Error != "" {
		d.QueryErrors = append(d.QueryErrors, status.Error)
	}
	d.distribute(o.servers(q.ID, &status))
	if sink, ok := q.Plan.(*plan.Sink); ok && sink.Window != nil {
		kind := string(sink.Window.Kind)
		d.WindowType = &kind
	}
	return d
}

func outFields(cols []plan.OutColumn) []FieldInfo {
	fields := make([]FieldInfo, 0, len(cols))
	for _, c := range cols {
		f := FieldInfo{Name: c.Name, Schema: schemaInfo(c.Type)}
		if c.Role == plan.Key {
			f.Type = "KEY"
		}
		fields = append(fields, f)
	}
	return fields
}
