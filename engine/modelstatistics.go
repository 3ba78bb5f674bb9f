package engine

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/udf/model"
)

type (
	// ModelStatistics is what a version of a model has scored on the servers of the service since they started. What is not known is nil.
	ModelStatistics struct {
		Name       string `json:"name"`
		Version    int    `json:"version"`
		Status     string `json:"status"` // as in ModelVersionInfo
		Rows       int64  `json:"rows"`
		ShadowRows int64  `json:"shadowRows"`
		Batches    int64  `json:"batches"`
		Errors     int64  `json:"errors"` // calls that failed
		// Milliseconds of a call, and microseconds of a row of it.
		CallP50 *float64 `json:"callMillisP50,omitempty"`
		CallP99 *float64 `json:"callMillisP99,omitempty"`
		RowP50  *float64 `json:"rowMicrosP50,omitempty"`
		RowP99  *float64 `json:"rowMicrosP99,omitempty"`
		// Of rows that another version scored too: the share on which both agree, and the mean difference of the numbers.
		Compared   int64    `json:"compared"`
		Agreement  *float64 `json:"agreement,omitempty"`
		Difference *float64 `json:"difference,omitempty"`

		Inputs  []ModelElement `json:"inputs"`
		Outputs []ModelElement `json:"outputs"`
	}
	// ModelElement is a column of a model's inputs or outputs: numbers have a range, texts and labels have classes.
	ModelElement struct {
		Name    string       `json:"name"`
		Missing float64      `json:"missing"` // share of rows
		Min     *float64     `json:"min,omitempty"`
		P01     *float64     `json:"p01,omitempty"`
		P50     *float64     `json:"p50,omitempty"`
		P99     *float64     `json:"p99,omitempty"`
		Max     *float64     `json:"max,omitempty"`
		Mean    *float64     `json:"mean,omitempty"`
		Classes []ModelClass `json:"classes,omitempty"` // the most frequent ones
		PSI     *float64     `json:"psi,omitempty"`     // against the version's first rows
	}
	// ModelClass is a class with its share of rows.
	ModelClass struct {
		Name  string  `json:"name"`
		Share float64 `json:"share"`
	}
	// ModelStatisticsList answers SHOW MODEL STATISTICS.
	ModelStatisticsList struct {
		Statistics []ModelStatistics `json:"statistics"`
		without
	}
)

// EntityType implements EntityBody.
func (ModelStatisticsList) EntityType() string { return "model_statistics" }

// shownClasses is how many classes of a column are shown.
const shownClasses = 10

// showModelStatistics lists the versions of one model or of all that have scored something on any server.
func (e *Engine) showModelStatistics(ctx context.Context, cat *catalog.Catalog, name *ast.Ident) ([]EntityBody, error) {
	models, err := modelsNamed(cat, name)
	if err != nil {
		return nil, err
	}
	ids := versionsOf(models)
	all, missing := e.scoredByAll(ctx, ids, 0)
	list := ModelStatisticsList{Statistics: []ModelStatistics{}, without: missing}
	for i := range all {
		m, _ := cat.Model(ids[i].Model)
		if all[i].Batches+all[i].Errors == 0 {
			continue
		}
		s, err := e.describeScored(ctx, m, m.Version(ids[i].Version), &all[i])
		if err != nil {
			return nil, err
		}
		list.Statistics = append(list.Statistics, *s)
	}
	return one(list), nil
}

// describeScored is what a version has scored, for people.
func (e *Engine) describeScored(ctx context.Context, m *catalog.Model, v *catalog.ModelVersion, s *model.Snapshot) (*ModelStatistics, error) {
	sig := model.Signature{}
	if s.Inputs != nil {
		loaded, err := e.models.Version(ctx, v)
		if err != nil {
			return nil, err
		}
		sig = loaded.Scorer.Signature()
	}
	inputDrift, outputDrift := s.Drift.Measure()
	return &ModelStatistics{
		Name: m.Name, Version: v.Version, Status: versionStatus(m.Rollout(), v),
		Rows: s.Rows, ShadowRows: s.ShadowRows, Batches: s.Batches, Errors: s.Errors,
		CallP50: scaled(s.CallSeconds.Quantile(0.5), 1e3), CallP99: scaled(s.CallSeconds.Quantile(0.99), 1e3),
		RowP50: scaled(s.RowSeconds.Quantile(0.5), 1e6), RowP99: scaled(s.RowSeconds.Quantile(0.99), 1e6),
		Compared: s.Compared, Agreement: ratio(float64(s.Agreed), s.Compared), Difference: ratio(s.Difference, s.Compared),
		Inputs:  elements(sig.InputNames(), s.Inputs, inputDrift),
		Outputs: elements(sig.OutputNames(), s.Outputs, outputDrift),
	}, nil
}

// versionsOf lists the versions of models.
func versionsOf(models []*catalog.Model) []model.VersionID {
	var ids []model.VersionID
	for _, m := range models {
		for _, v := range m.Versions {
			ids = append(ids, model.VersionID{Model: m.Name, Version: v.Version})
		}
	}
	return ids
}

// modelsNamed is the model with the name, or all of them.
func modelsNamed(cat *catalog.Catalog, name *ast.Ident) ([]*catalog.Model, error) {
	if name == nil {
		return cat.Models(), nil
	}
	m, err := lookupModel(cat, *name)
	if err != nil {
		return nil, err
	}
	return []*catalog.Model{m}, nil
}

func elements(names []string, list []model.Distribution, drift []float64) []ModelElement {
	out := []ModelElement{}
	for i := range min(len(names), len(list)) {
		d := &list[i]
		el := ModelElement{Name: names[i], Missing: d.MissingRate(), Classes: classes(d)}
		if n := &d.Numbers; n.Count > 0 {
			el.Min, el.Max, el.Mean = scaled(n.Min, 1), scaled(n.Max, 1), scaled(n.Mean(), 1)
			el.P01, el.P50, el.P99 = scaled(n.Quantile(0.01), 1), scaled(n.Quantile(0.5), 1), scaled(n.Quantile(0.99), 1)
		}
		if i < len(drift) {
			el.PSI = &drift[i]
		}
		out = append(out, el)
	}
	return out
}

// classes are the most frequent ones.
func classes(d *model.Distribution) []ModelClass {
	var out []ModelClass
	total := d.Count()
	for name, n := range d.Classes {
		if n > 0 {
			out = append(out, ModelClass{name, float64(n) / float64(total)})
		}
	}
	slices.SortFunc(out, func(a, b ModelClass) int { return cmp.Or(cmp.Compare(b.Share, a.Share), cmp.Compare(a.Name, b.Name)) })
	return out[:min(len(out), shownClasses)]
}

// scaled is nil for what is no number.
func scaled(v, by float64) *float64 {
	if v *= by; v != v {
		return nil
	}
	return &v
}

func ratio(sum float64, n int64) *float64 {
	return scaled(sum/float64(n), 1) // 0/0 is no number
}

// modelBuckets are the bounds of the histograms on /metrics, in seconds.
var modelBuckets = []float64{1e-7, 3e-7, 1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1, 3, 10}

// modelMetrics are the statistics, on this server, of the versions that a rollout names.
func (e *Engine) modelMetrics() []Metric {
	var out []Metric
	for _, m := range e.Catalog().Models() {
		for _, v := range m.Versions {
			s := e.scored.Of(model.VersionID{Model: m.Name, Version: v.Version})
			if s.Batches+s.Errors == 0 || !m.Rollout().Uses(v.Version) {
				continue
			}
			loaded, err := e.models.Version(context.Background(), v)
			if err != nil {
				continue // the queries that need it say so
			}
			labels := map[string]string{"model": m.Name, "version": strconv.Itoa(v.Version)}
			out = append(out, versionMetrics(labels, &s, loaded.Scorer.Signature())...)
			out = append(out, serverMetrics(labels, loaded.Scorer)...)
		}
	}
	return out
}

func versionMetrics(labels map[string]string, s *model.Snapshot, sig model.Signature) []Metric {
	out := []Metric{
		{Name: "millrace_model_rows_total", Help: "rows that the version scored for queries, as they were committed", Labels: labels, Value: float64(s.Rows)},
		{Name: "millrace_model_shadow_rows_total", Help: "rows that it scored beside another version", Labels: labels, Value: float64(s.ShadowRows)},
		{Name: "millrace_model_errors_total", Help: "calls that failed", Labels: labels, Value: float64(s.Errors)},
		{Name: "millrace_model_call_seconds", Help: "how long calls took that scored a batch", Labels: labels, Histogram: histogram(&s.CallSeconds)},
		{Name: "millrace_model_row_seconds", Help: "the share of a row in that", Labels: labels, Histogram: histogram(&s.RowSeconds)},
	}
	if s.Compared > 0 {
		out = append(out,
			Metric{Name: "millrace_model_agreement", Help: "share of compared rows to which another version gave the same", Labels: labels, Value: float64(s.Agreed) / float64(s.Compared)},
			Metric{Name: "millrace_model_difference", Help: "mean difference of the numbers that both gave", Labels: labels, Value: s.Difference / float64(s.Compared)})
	}
	inputDrift, outputDrift := s.Drift.Measure()
	out = append(out, elementMetrics(labels, "input", inputMetrics, elements(sig.InputNames(), s.Inputs, inputDrift))...)
	return append(out, elementMetrics(labels, "output", outputMetrics, elements(sig.OutputNames(), s.Outputs, outputDrift))...)
}

func histogram(h *model.Histogram) *Histogram {
	out := &Histogram{Buckets: map[float64]uint64{}, Count: uint64(h.Count), Sum: h.Sum}
	for i, n := range h.Cumulative(modelBuckets) {
		out.Buckets[modelBuckets[i]] = n
	}
	return out
}

// The metrics of inputs and outputs: the share without a value, the drift, the quantiles of the values.
var (
	inputMetrics  = [3]string{"millrace_model_input_missing_ratio", "millrace_model_input_drift", "millrace_model_input_value"}
	outputMetrics = [3]string{"millrace_model_output_missing_ratio", "millrace_model_output_drift", "millrace_model_output_value"}
)

// elementMetrics tell of each input, or output, what is known.
func elementMetrics(version map[string]string, role string, names [3]string, list []ModelElement) []Metric {
	var out []Metric
	seen := map[string]bool{}
	for i := range list {
		el := &list[i]
		name := strings.ToValidUTF8(el.Name, "?")
		if seen[name] {
			continue // a file may call two of them by one name, metrics must not
		}
		seen[name] = true
		for _, g := range []struct {
			name, help, quantile string
			value                *float64
		}{
			{names[0], "share of rows without a value", "", &el.Missing},
			{names[1], "population stability index against the first rows of the version", "", el.PSI},
			{names[2], "quantiles of the values", "0", el.Min},
			{names[2], "quantiles of the values", "0.01", el.P01},
			{names[2], "quantiles of the values", "0.5", el.P50},
			{names[2], "quantiles of the values", "0.99", el.P99},
			{names[2], "quantiles of the values", "1", el.Max},
		} {
			if g.value == nil || math.IsInf(*g.value, 0) {
				continue
			}
			labels := map[string]string{"model": version["model"], "version": version["version"], role: name}
			if g.quantile != "" {
				labels["quantile"] = g.quantile
			}
			out = append(out, Metric{Name: g.name, Help: g.help, Labels: labels, Value: *g.value})
		}
	}
	return out
}
