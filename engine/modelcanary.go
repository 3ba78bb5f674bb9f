package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/engine/command"
	"github.com/millrace/millrace/engine/directory"
	"github.com/millrace/millrace/engine/expr"
	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/parser"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/udf/model"
)

// A canary is a version on trial: a share of the rows is its, and conditions over what it does there end it. One server of those that are
// alive looks at them, over what all of them have scored; the decision is a command like ALTER MODEL's, so that every server has it, and each
// task commits from which row on it holds. While servers disagree on who is alive several may look: the command log takes one decision.

const (
	// canaryLook is how often the conditions are looked at.
	canaryLook = 500 * time.Millisecond
	// canaryCalm is how long a server that has just started listens for others before it takes itself for the one that looks.
	canaryCalm = 3 * time.Second
)

// watchCanaries ends the canaries whose conditions hold, until ctx ends.
func (e *Engine) watchCanaries(ctx context.Context) {
	select {
	case <-ctx.Done():
		return
	case <-e.opened: // before that there is no directory
	}
	if e.directory != nil {
		select {
		case <-ctx.Done():
			return
		case <-time.After(canaryCalm):
		}
	}
	tick := time.NewTicker(canaryLook)
	defer tick.Stop()
	failed := map[string]string{} // by model: what was last told
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, m := range e.Catalog().Models() {
			if m.Rollout().Canary == nil || !e.firstAlive() {
				delete(failed, m.Name)
				continue
			}
			text := ""
			if err := e.judge(ctx, m); err != nil && ctx.Err() == nil {
				if text = err.Error(); failed[m.Name] != text {
					e.log.Warn("a canary cannot be judged", "model", m.Name, "error", err)
				}
			}
			failed[m.Name] = text
		}
	}
}

// firstAlive says that this server is the one which does what one does for all: of those that are alive the first by id. For a moment there
// may be two, or none.
func (e *Engine) firstAlive() bool {
	return e.directory == nil || !slices.ContainsFunc(e.directory.Servers(), func(s directory.Server) bool { return s.Alive && s.Instance < e.instance })
}

// judge looks at the conditions of a model's canary, and carries out the one that holds. It promotes nothing while a living server cannot be
// asked: what went wrong there is not known. A rollback does not wait.
func (e *Engine) judge(ctx context.Context, m *catalog.Model) error {
	c := m.Rollout().Canary
	metrics, missing, err := e.canaryMetrics(ctx, m)
	if err != nil {
		return err
	}
	holds, reason, err := e.holds(c.Rollback, metrics)
	switch {
	case err != nil:
		return err
	case holds:
		return e.endCanary(ctx, m, false, reason)
	}
	for i := range missing {
		if missing[i].alive && c.Promote != "" {
			return fmt.Errorf("it is not promoted: %w", &missing[i])
		}
	}
	holds, reason, err = e.holds(c.Promote, metrics)
	if err != nil || !holds {
		return err
	}
	return e.endCanary(ctx, m, true, reason)
}

// endCanary writes the decision, unless the rollout has changed meanwhile.
func (e *Engine) endCanary(ctx context.Context, m *catalog.Model, promote bool, reason string) error {
	canary := m.Rollout().Canary
	_, err := e.commands.Submit(ctx, func(int64) (*command.Command, error) {
		m, ok := e.Catalog().Model(m.Name)
		if !ok || m.Rollout().Canary == nil || m.Rollout().Canary.Since != canary.Since {
			return nil, command.ErrNothing
		}
		now := time.Now().UnixMilli()
		next := m.Rollout().Promoted(canary.Version, now)
		if !promote {
			next = m.Rollout().WithoutCanary()
			next.Created = now
		}
		next.Ended = &catalog.CanaryEnd{Version: canary.Version, Promoted: promote, Reason: reason}
		return &command.Command{Changes: []command.Change{{Kind: command.RollOut, Name: m.Name, Rollout: next}}}, nil
	})
	if errors.Is(err, command.ErrNothing) {
		return nil
	}
	if err == nil {
		e.log.Info("a canary has ended", "model", m.Name, "version", canary.Version, "promoted", promote, "reason", reason)
	}
	return err
}

// canaryMetrics are what the conditions of a model's canary may name, as of now, and the servers whose part is not in them.
func (e *Engine) canaryMetrics(ctx context.Context, m *catalog.Model) ([]model.TrialMetric, []unheard, error) {
	r := m.Rollout()
	c := r.Canary
	loaded, err := e.models.Version(ctx, m.Version(c.Version))
	if err != nil {
		return nil, nil, err
	}
	scored, missing := e.scoredByAll(ctx, []model.VersionID{{Model: m.Name, Version: c.Version}, {Model: m.Name, Version: r.Active}}, c.Since)
	seconds := max(0, time.Now().UnixMilli()-c.Created) / 1000
	metrics := model.TrialMetrics(&scored[0].Tally, &scored[1].Tally, loaded.Scorer.Signature(), seconds)
	if c.Labels == "" {
		return metrics, missing, nil
	}
	labels, err := e.labelMetrics(ctx, c.Labels, c.Version)
	return append(metrics, labels...), missing, err
}

// labelMetrics are the columns of a canary's table of labels in the version's row; they are NULL as long as there is none.
func (e *Engine) labelMetrics(ctx context.Context, table string, version int) ([]model.TrialMetric, error) {
	src, ok := e.Catalog().Source(table)
	if !ok {
		return nil, fmt.Errorf("table %s of the labels is not there any more", table)
	}
	metrics, literal := labelColumns(src), fmt.Sprint(version)
	if key := src.Schema.Keys()[0]; key.Type.Kind == types.KindString {
		literal = "'" + literal + "'"
	}
	names := make([]string, len(metrics))
	for i := range metrics {
		names[i] = types.QuoteName(metrics[i].Name)
	}
	sql := fmt.Sprintf("SELECT %s FROM %s WHERE %s = %s;",
		strings.Join(names, ", "), types.QuoteName(src.Name), types.QuoteName(src.Schema.Keys()[0].Name), literal)
	rows, err := e.Query(ctx, Request{SQL: sql})
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for {
		batch, err := rows.Next(ctx)
		if errors.Is(err, io.EOF) {
			return metrics, nil
		}
		if err != nil {
			return nil, err
		}
		for _, r := range batch {
			for i := range metrics {
				metrics[i].Value = r.Values[i]
			}
		}
	}
}

// labelColumns are the columns of a table that are no key.
func labelColumns(src *catalog.Source) []model.TrialMetric {
	var out []model.TrialMetric
	for _, c := range src.Schema.Values() {
		out = append(out, model.TrialMetric{Name: c.Name, Type: c.Type})
	}
	return out
}

// holds evaluates a condition, "" being one that never holds, and says why it does.
func (e *Engine) holds(condition string, metrics []model.TrialMetric) (bool, string, error) {
	if condition == "" {
		return false, "", nil
	}
	parsed, err := parser.ParseExpr(condition)
	if err != nil {
		return false, "", err
	}
	bound, err := e.condition(parsed, metrics)
	if err != nil {
		return false, "", err
	}
	batch := &vector.Batch{N: 1}
	for _, m := range metrics {
		v := vector.New(m.Type)
		v.Append(m.Value)
		batch.Cols = append(batch.Cols, v)
	}
	var failed error
	env := &expr.Env{Functions: e.functions(), UDF: newUDFEnv(e.opts.Properties)}
	env.Sink = func(_ *vector.Batch, _ int, _ plan.Expr, err error) { failed = errors.Join(failed, err) }
	ev, err := expr.Compile(bound, env)
	if err != nil {
		return false, "", err
	}
	v, err := ev.Eval(batch)
	if err = errors.Join(err, failed); err != nil {
		return false, "", err
	}
	yes, _ := v.Value(0).(bool)
	return yes, condition + reading(parsed, metrics), nil
}

func (e *Engine) condition(x ast.Expr, metrics []model.TrialMetric) (plan.Expr, error) {
	var columns []types.Field
	for _, m := range metrics {
		columns = append(columns, types.Field{Name: m.Name, Type: m.Type})
	}
	return e.analyzer.Condition(x, columns, e.Catalog())
}

// reading tells the values that a condition rests on.
func reading(x ast.Expr, metrics []model.TrialMetric) string {
	var named []string
	ast.Inspect(x, func(n ast.Node) bool {
		if ref, ok := n.(*ast.ColumnRef); ok {
			named = append(named, ref.Name.Name)
		}
		return true
	})
	var out []string
	for _, m := range metrics {
		if slices.Contains(named, m.Name) {
			out = append(out, m.Name+" = "+metricText(m.Value))
		}
	}
	if out == nil {
		return ""
	}
	return " (" + strings.Join(out, ", ") + ")"
}

func metricText(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case float64:
		return fmt.Sprintf("%.4g", v)
	}
	return fmt.Sprint(v)
}

// canary is the rollout that begins a canary.
func (e *Engine) canary(cat *catalog.Catalog, m *catalog.Model, st *ast.AlterModel, a *ast.SetCanary) (*catalog.Rollout, error) {
	now := m.Rollout()
	v, err := findVersion(m, a.Version.String(), a.Version.Span())
	refuse := func(at ast.Span, message, hint string) error {
		return &ast.Error{Code: "model.canary", Span: at, Message: message, Hint: hint}
	}
	switch {
	case err != nil:
		return nil, err
	case v.Version == now.Active:
		return nil, refuse(a.Version.Span(), fmt.Sprintf("version %d is the active one, it cannot be on trial", v.Version), "")
	case a.Percent.Value < 0 || a.Percent.Value > 100:
		return nil, refuse(a.Percent.Span(), "the share is a percentage from 0 to 100", "with 0 the version scores all rows as a shadow")
	case a.Promote == nil && a.Rollback == nil:
		return nil, refuse(st.Span(), "nothing would end the canary", "PROMOTE WHEN and ROLLBACK WHEN say what does; SET TRAFFIC splits rows for good")
	}
	c := &catalog.Canary{Version: v.Version, Created: time.Now().UnixMilli()}
	metrics := model.TrialMetrics(&model.Tally{}, &model.Tally{}, model.Signature{}, 0)
	if a.Labels != nil {
		labels, err := checkLabels(cat, *a.Labels, metrics)
		if err != nil {
			return nil, err
		}
		c.Labels, metrics = a.Labels.Name, append(metrics, labels...)
	}
	for _, x := range []struct {
		expr ast.Expr
		text *string
	}{{a.Promote, &c.Promote}, {a.Rollback, &c.Rollback}} {
		if x.expr == nil {
			continue
		}
		if _, err := e.condition(x.expr, metrics); err != nil {
			return nil, err
		}
		*x.text = x.expr.String()
		if _, _, err := e.holds(*x.text, metrics); err != nil {
			return nil, refuse(x.expr.Span(), err.Error(), "")
		}
	}
	next := &catalog.Rollout{
		Active: now.Active, Previous: now.Previous, Canary: c,
		Shadow: slices.DeleteFunc(slices.Clone(now.Shadow), func(n int) bool { return n == v.Version }),
	}
	if a.By != nil {
		next.By = a.By.Name
	}
	if a.Percent.Value == 0 {
		next.By, next.Shadow = "", append(next.Shadow, v.Version)
		return next, nil
	}
	next.Traffic = []catalog.Share{{Version: now.Active, Percent: int(100 - a.Percent.Value)}, {Version: v.Version, Percent: int(a.Percent.Value)}}
	slices.SortFunc(next.Traffic, func(a, b catalog.Share) int { return a.Version - b.Version })
	return next, nil
}

// checkLabels gives the columns of a table of labels that conditions may name.
func checkLabels(cat *catalog.Catalog, name ast.Ident, metrics []model.TrialMetric) ([]model.TrialMetric, error) {
	src, err := lookupSource(cat, name)
	if err != nil {
		return nil, err
	}
	refuse := func(message string) error {
		return &ast.Error{Code: "model.canary", Span: name.Span(), Message: message, Hint: "it has a row for each version, as a table of MODEL_VERSION and an accuracy has"}
	}
	keys := src.Schema.Keys()
	if src.Kind != catalog.Table || src.Window != nil || len(keys) != 1 ||
		!slices.Contains([]types.Kind{types.KindInt, types.KindBigint, types.KindString}, keys[0].Type.Kind) {
		return nil, refuse("the labels of a canary are a table without windows whose key is the number of a version")
	}
	columns := labelColumns(src)
	for _, c := range columns {
		if slices.ContainsFunc(metrics, func(m model.TrialMetric) bool { return m.Name == c.Name }) {
			return nil, refuse("column " + types.QuoteName(c.Name) + " is called as a metric of canaries is")
		}
	}
	return columns, nil
}

// describeCanary tells of a canary, or how one has ended, for people.
func describeCanary(r *catalog.Rollout) string {
	switch c := r.Canary; {
	case c != nil:
		text := fmt.Sprintf("; canary %d", c.Version)
		if c.Labels != "" {
			text += " labels " + ast.Ident{Name: c.Labels}.String()
		}
		if c.Promote != "" {
			text += " promote when " + c.Promote
		}
		if c.Rollback != "" {
			text += " rollback when " + c.Rollback
		}
		return text
	case r.Ended != nil && r.Ended.Promoted:
		return fmt.Sprintf("; canary %d promoted: %s", r.Ended.Version, r.Ended.Reason)
	case r.Ended != nil:
		return fmt.Sprintf("; canary %d rolled back: %s", r.Ended.Version, r.Ended.Reason)
	}
	return ""
}
