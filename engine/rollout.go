package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/engine/command"
	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/udf/model"
)

// alterModel rolls a model out otherwise. The command holds what is to be, not what to do, so that every server has the same.
func (e *Engine) alterModel(ctx context.Context, st *ast.AlterModel, text string) ([]EntityBody, error) {
	name := st.Name.Name
	var r *catalog.Rollout
	seq, err := e.commands.Submit(ctx, func(int64) (*command.Command, error) {
		cat := e.Catalog()
		m, err := lookupModel(cat, st.Name)
		if err != nil {
			return nil, err
		}
		if r, err = e.rollout(cat, m, st); err != nil {
			return nil, err
		}
		r.Created = time.Now().UnixMilli()
		if err := e.fits(ctx, cat, m, r); err != nil {
			return nil, locate(err, st.Span())
		}
		return &command.Command{Text: text, Changes: []command.Change{{Kind: command.RollOut, Name: name, Rollout: r}}}, nil
	})
	if err != nil {
		return nil, err
	}
	e.awaitModels(ctx)
	return one(e.succeeded("model/"+name+"/alter", "model "+name+": "+describeRollout(r), "", seq)), nil
}

// followPatience is how long a statement waits for the queries of this server to follow it.
const followPatience = 5 * time.Second

// awaitModels waits until rows that come from now on are scored by what a statement has rolled out, as far as this server scores
// them. A query that takes longer does not hold the statement up: it has been made.
func (e *Engine) awaitModels(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, followPatience)
	defer cancel()
	for !e.cluster.FollowsModels() {
		select {
		case <-ctx.Done():
			return
		case <-time.After(settlePoll):
		}
	}
}

// rollout is what holds after the statement.
func (e *Engine) rollout(cat *catalog.Catalog, m *catalog.Model, st *ast.AlterModel) (*catalog.Rollout, error) {
	now := m.Rollout()
	next := *now
	next.Ended = nil
	switch a := st.Action.(type) {
	case *ast.SetTraffic:
		shares, err := trafficShares(m, a)
		if err != nil {
			return nil, err
		}
		next.Traffic, next.By, next.Canary = shares, "", nil
		if a.By != nil {
			next.By = a.By.Name
		}
		for _, s := range shares {
			next.Shadow = slices.DeleteFunc(slices.Clone(next.Shadow), func(v int) bool { return v == s.Version })
		}
	case *ast.SetShadow:
		next.Shadow = nil
		for _, n := range a.Versions {
			v, err := findVersion(m, n.String(), n.Span())
			if err != nil {
				return nil, err
			}
			if slices.Contains(now.Versions()[:len(now.Versions())-len(now.Shadow)], v.Version) {
				return nil, &ast.Error{Code: "model.rollout", Span: n.Span(), Message: fmt.Sprintf("version %d scores rows, it cannot be a shadow", v.Version)}
			}
			if !slices.Contains(next.Shadow, v.Version) {
				next.Shadow = append(next.Shadow, v.Version)
			}
		}
		if c := now.Canary; c != nil && now.Traffic == nil && !slices.Contains(next.Shadow, c.Version) {
			next.Canary = nil
		}
	case *ast.SetCanary:
		return e.canary(cat, m, st, a)
	case *ast.Promote:
		v, err := findVersion(m, a.Version.String(), a.Version.Span())
		if err != nil {
			return nil, err
		}
		return now.Promoted(v.Version, 0), nil
	case *ast.Rollback:
		return rollback(m, st)
	}
	return &next, nil
}

// rollback ends a split or, where there is none, goes back to the version that was active before.
func rollback(m *catalog.Model, st *ast.AlterModel) (*catalog.Rollout, error) {
	now := m.Rollout()
	if now.Traffic != nil || now.Canary != nil {
		return now.WithoutCanary(), nil
	}
	if v := m.Version(now.Previous); v == nil || v.Retired {
		return nil, &ast.Error{
			Code: "model.rollout", Span: st.Span(), Message: "model " + m.Name + " has nothing to go back to",
			Hint: "PROMOTE names the version",
		}
	}
	return &catalog.Rollout{Active: now.Previous}, nil
}

func trafficShares(m *catalog.Model, a *ast.SetTraffic) ([]catalog.Share, error) {
	var shares []catalog.Share
	total := int64(0)
	for _, s := range a.Shares {
		v, err := findVersion(m, s.Version.String(), s.Version.Span())
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(shares, func(o catalog.Share) bool { return o.Version == v.Version }) {
			return nil, &ast.Error{Code: "model.rollout", Span: s.Version.Span(), Message: fmt.Sprintf("version %d stands twice", v.Version)}
		}
		if s.Percent.Value < 0 || s.Percent.Value > 100 {
			return nil, &ast.Error{Code: "model.rollout", Span: s.Percent.Span(), Message: "a share is a percentage from 0 to 100"}
		}
		total += s.Percent.Value
		shares = append(shares, catalog.Share{Version: v.Version, Percent: int(s.Percent.Value)})
	}
	if total != 100 {
		return nil, &ast.Error{
			Code: "model.rollout", Span: a.Shares[0].Version.Span(), Message: fmt.Sprintf("the shares make %d percent, not 100", total),
		}
	}
	slices.SortFunc(shares, func(a, b catalog.Share) int { return a.Version - b.Version })
	return shares, nil
}

// findVersion finds a version that statements may name.
func findVersion(m *catalog.Model, number string, at ast.Span) (*catalog.ModelVersion, error) {
	n, err := strconv.Atoi(number)
	if err == nil {
		if v := m.Version(n); v != nil && !v.Retired {
			return v, nil
		}
	}
	return nil, &ast.Error{
		Code: "model.version", Span: at, Message: "model " + m.Name + " has no version " + number,
		Hint: "SHOW MODEL VERSIONS " + m.Name + " lists those it has",
	}
}

// hurryUsers gives the queries that score changed models, and may have failed for it, their next chance at once.
func (e *Engine) hurryUsers(cat *catalog.Catalog, models []string) {
	for _, name := range models {
		if m, ok := cat.Model(name); ok {
			for _, id := range modelUsers(cat, m, 0) {
				e.queries.Hurry(id)
			}
		}
	}
}

// fits checks that every version of a rollout can take the place of every other: in the queries that follow the model, and in
// those to come.
func (e *Engine) fits(ctx context.Context, cat *catalog.Catalog, m *catalog.Model, r *catalog.Rollout) error {
	active, err := e.models.Version(ctx, m.Version(r.Active))
	if err != nil {
		return err
	}
	numbers := append(r.Versions(), r.Active)
	if err := e.agrees(ctx, m, numbers, active.Scorer.Signature().ArgTypes(), nil); err != nil {
		return &ast.Error{Code: "model.incompatible", Message: err.Error()}
	}
	for _, q := range cat.Queries() {
		for _, c := range modelCalls(q.Plan, m.Name) {
			if c.version > 0 {
				continue
			}
			if r.By != "" && plan.Find(c.columns, r.By) < 0 {
				return &ast.Error{
					Code:    "model.split",
					Message: fmt.Sprintf("query %s has no column %s where it scores model %s", q.ID, types.QuoteName(r.By), m.Name),
					Hint:    "only columns that the query reads are there: select it too, or leave BY out to split by the record key",
				}
			}
			if c.predict == nil {
				continue
			}
			args := make([]*types.Type, len(c.predict.Args))
			for i, a := range c.predict.Args {
				args[i] = a.Type()
			}
			if err := e.agrees(ctx, m, numbers, args, c.predict.T); err != nil {
				return &ast.Error{
					Code: "model.incompatible", Message: fmt.Sprintf("query %s cannot go on: %s", q.ID, err),
					Hint: "TERMINATE it, or create the model under another name",
				}
			}
		}
	}
	return nil
}

// agrees checks that versions take the arguments and return the type; nil: the same one.
func (e *Engine) agrees(ctx context.Context, m *catalog.Model, numbers []int, args []*types.Type, want *types.Type) error {
	for _, n := range numbers {
		v, err := e.models.Version(ctx, m.Version(n))
		if err != nil {
			return err
		}
		b, err := model.Bind(fmt.Sprintf("%s@%d", m.Name, n), v.Scorer, args)
		if err != nil {
			return err
		}
		if want != nil && b.Result.String() != want.String() {
			return fmt.Errorf("model %s@%d returns %s, not %s", m.Name, n, b.Result, want)
		}
		want = b.Result
	}
	return nil
}

// locate gives an error of a statement its place, if it has none.
func locate(err error, at ast.Span) error {
	var e *ast.Error
	if errors.As(err, &e) && e.Span == (ast.Span{}) {
		e.Span = at
	}
	return err
}

// rolledOut says whether a version scores rows.
func rolledOut(r *catalog.Rollout, version int) bool {
	return version == r.Active || slices.Contains(r.Versions(), version)
}

// describeRollout is the rollout for people.
func describeRollout(r *catalog.Rollout) string {
	text := fmt.Sprintf("version %d", r.Active)
	if r.Traffic != nil {
		shares := make([]string, len(r.Traffic))
		for i, s := range r.Traffic {
			shares[i] = fmt.Sprintf("%d = %d%%", s.Version, s.Percent)
		}
		text = strings.Join(shares, ", ")
		if r.By != "" {
			text += " by " + ast.Ident{Name: r.By}.String()
		}
		text += fmt.Sprintf("; stable %d", r.Active)
	}
	for _, v := range r.Shadow {
		text += fmt.Sprintf("; shadow %d", v)
	}
	return text + describeCanary(r)
}
