package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/udf/model"
)

func modelInfo(m *catalog.Model) ModelInfo {
	v := m.Current()
	return ModelInfo{
		Name: m.Name, Version: v.Version, Backend: v.Backend, URI: v.URI, SHA256: v.SHA256, Bytes: v.Size,
		Rollout: describeRollout(m.Rollout()),
	}
}

func showModels(cat *catalog.Catalog) ModelsList {
	list := ModelsList{Models: []ModelInfo{}}
	for _, m := range cat.Models() {
		list.Models = append(list.Models, modelInfo(m))
	}
	return list
}

// showModelVersions lists the versions of one model or of all.
func (e *Engine) showModelVersions(ctx context.Context, cat *catalog.Catalog, name *ast.Ident) ([]EntityBody, error) {
	models, err := modelsNamed(cat, name)
	if err != nil {
		return nil, err
	}
	all, missing := e.scoredByAll(ctx, versionsOf(models), 0)
	list := ModelVersionsList{Versions: []ModelVersionInfo{}, without: missing}
	for _, m := range models {
		for _, v := range m.Versions {
			c := &all[0]
			all = all[1:]
			list.Versions = append(list.Versions, ModelVersionInfo{
				Name: m.Name, Version: v.Version, Status: versionStatus(m.Rollout(), v), Backend: v.Backend, URI: v.URI, SHA256: v.SHA256,
				Bytes: v.Size, Created: v.Created, Rows: c.Rows, ShadowRows: c.ShadowRows, Batches: c.Batches, Errors: c.Errors, Nanos: c.Nanos,
			})
		}
		for _, r := range m.Refused {
			list.Versions = append(list.Versions, ModelVersionInfo{
				Name: m.Name, Status: "REFUSED", URI: feedURI(&r.Feed), SHA256: r.SHA256, Bytes: r.Size, Created: r.Created, Error: r.Reason,
			})
		}
	}
	return one(list), nil
}

// versionStatus is what a version does in the rollout.
func versionStatus(r *catalog.Rollout, v *catalog.ModelVersion) string {
	trial := ""
	if r.Canary != nil && v.Version == r.Canary.Version {
		trial = "CANARY"
	}
	for _, s := range r.Traffic {
		if s.Version == v.Version {
			return strings.TrimSpace(fmt.Sprintf("%s %d%%", trial, s.Percent))
		}
	}
	switch {
	case trial != "":
		return trial
	case v.Retired:
		return "RETIRED"
	case v.Version == r.Active && r.Traffic == nil:
		return "ACTIVE"
	case v.Version == r.Active:
		return "STABLE"
	case slices.Contains(r.Shadow, v.Version):
		return "SHADOW"
	}
	return "IDLE"
}

func (e *Engine) describeModel(ctx context.Context, cat *catalog.Catalog, name ast.Ident) ([]EntityBody, error) {
	m, err := lookupModel(cat, name)
	if err != nil {
		return nil, err
	}
	v, err := e.models.Version(ctx, m.Current())
	if err != nil {
		return nil, err
	}
	d := ModelDescription{ModelInfo: modelInfo(m), Statement: m.Current().Statement, Why: m.Current().Why, Inputs: []ModelColumn{}, Outputs: []ModelColumn{}}
	sig := v.Scorer.Signature()
	for _, t := range sig.Inputs {
		d.Inputs = append(d.Inputs, ModelColumn{Name: t.Name, Type: t.Type.String(), Shape: t.Describe()})
	}
	for _, t := range sig.Outputs {
		d.Outputs = append(d.Outputs, ModelColumn{Name: t.Name, Type: t.Type.String(), Shape: t.String()})
	}
	d.Returns = returns(v)
	if s, ok := v.Scorer.(model.Described); ok {
		for _, f := range s.Facts() {
			d.Facts = append(d.Facts, ModelFact(f))
		}
	}
	return one(d), nil
}
