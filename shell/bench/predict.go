package bench

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/millrace/millrace/shell/workbench"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/udf/model"
)

// PredictOptions say what Predict measures.
type PredictOptions struct {
	Files  []string // of models that take numbers and give one
	Rounds int
	Time   time.Duration // of one contestant in one round
}

// Predict runs the task of a query with PREDICT, the task of the same query with a division instead, whose result is as long to write, and
// the bare scorer, all over the same rows, as many at a time. They take turns, and CPU time counts. What the one task takes more than the
// other is what PREDICT costs the query, which is held against the bare scorer. In further turns a clock runs in each call, which tells how
// long the call and the scorer in it took: what is between these is PREDICT's own.
func Predict(ctx context.Context, o Options, p PredictOptions) error {
	if p.Rounds < 1 {
		return fmt.Errorf("measure PREDICT in %d rounds: at least 1", p.Rounds)
	}
	w := tabwriter.NewWriter(o.Out, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(w, "model\tns/record with PREDICT\twithout\tPREDICT\tbare scorer\tover bare\tmiddle half\tcall\tscorer in it\tover it\t")
	var aims modelAims
	for _, path := range p.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		_, _ = fmt.Fprintln(o.Progress, path)
		if err := p.predict(ctx, w, &aims, path); err != nil {
			return fmt.Errorf("measure PREDICT with %s: %w", path, err)
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	return aims.write(o.Out)
}

// distinct is how many rows there are.
const distinct = 16 * queryBatch

// predict measures one model.
func (p PredictOptions) predict(ctx context.Context, w *tabwriter.Writer, aims *modelAims, path string) error {
	scorer, _, err := loadNative(ctx, path)
	if err != nil {
		return err
	}
	m, err := newModelQuery(path, scorer)
	if err != nil {
		return err
	}
	in := workbench.RandomRows(scorer.Signature(), distinct)
	rows := m.records(in[0].Float32, distinct)
	with, err := newQueryTask(m, true, rows)
	if err != nil {
		return err
	}
	without, err := newQueryTask(m, false, rows)
	if err != nil {
		return err
	}
	list := []contestant{inProcess(with.run), inProcess(without.run), inProcess(batchByBatch(ctx, scorer, in[0].Float32)), inProcess(with.timed)}
	took, err := contest(list, p.Rounds, p.Time)
	if err != nil {
		return err
	}
	for _, t := range took {
		for i := range t {
			t[i] /= timesOver * distinct
		}
	}
	more, over := make([]float64, p.Rounds), make([]float64, p.Rounds)
	for i := range more {
		more[i] = took[0][i] - took[1][i]
		over[i] = more[i]/took[2][i] - 1
	}
	slices.Sort(over)
	extra := quantile(over, 0.5)
	call, inside, own := with.spent()
	note := func(over string, share float64) {
		aims.note(fmt.Sprintf("PREDICT in a query at most %.0f%% over %s", 100*aimPredict, over), share <= aimPredict, fmt.Sprintf("%s: %.0f%%", m.name, 100*share))
	}
	note("the bare scorer", extra)
	note("the scorer in the same call", own)
	_, err = fmt.Fprintf(w, "%s\t%.0f\t%.0f\t%.1f\t%.1f\t%.0f%%\t%.0f%% to %.0f%%\t%.1f\t%.1f\t%.1f%%\t\n", m.name, median(took[0]), median(took[1]),
		median(more), median(took[2]), 100*extra, 100*quantile(over, 0.25), 100*quantile(over, 0.75), call, inside, 100*own)
	return err
}

// batchByBatch scores the rows as often as a task between two commits, as many at a time.
func batchByBatch(ctx context.Context, s model.Scorer, rows []float32) func() error {
	sig := s.Signature()
	size := queryBatch * sig.Inputs[0].Width()
	in, out := make([]model.Column, 1), make([]model.Column, len(sig.Outputs))
	return func() error {
		for range timesOver {
			for at := 0; at < len(rows); at += size {
				in[0].Float32 = rows[at : at+size]
				if err := s.Score(ctx, in, queryBatch, out); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

// modelQuery is a query with the PREDICT of a model.
type modelQuery struct {
	name    string
	scorer  model.Scorer
	columns []string
}

func newModelQuery(path string, s model.Scorer) (*modelQuery, error) {
	sig := s.Signature()
	b, err := model.Bind("it", s, sig.ArgTypes())
	if err != nil {
		return nil, err
	}
	if len(sig.Inputs) != 1 || sig.Inputs[0].Type != model.Float32 || !types.Equal(b.Result, types.Double) {
		return nil, fmt.Errorf("it takes %v and returns %s: only models of one float32 input that return a DOUBLE are measured in queries", sig.Inputs, b.Result)
	}
	m := &modelQuery{name: strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)), scorer: s}
	for i := range sig.Inputs[0].Width() {
		m.columns = append(m.columns, "x"+strconv.Itoa(i+1))
	}
	return m, nil
}

// records are rows of numbers as JSON.
func (m *modelQuery) records(x []float32, rows int) [][]byte {
	out := make([][]byte, rows)
	for r := range out {
		for i, c := range m.columns {
			lead := `,"`
			if i == 0 {
				lead = `{"`
			}
			out[r] = append(append(out[r], lead+strings.ToUpper(c)+`":`...), strconv.FormatFloat(float64(x[r*len(m.columns)+i]), 'f', 6, 64)...)
		}
		out[r] = append(out[r], '}')
	}
	return out
}

// define makes the stream that the query reads.
func (m *modelQuery) define() string {
	return "CREATE STREAM numbers (" + strings.Join(m.columns, " DOUBLE, ") + " DOUBLE) WITH (KAFKA_TOPIC='" + numbersTopic + "', VALUE_FORMAT='JSON');"
}

// query has PREDICT or not. Either way it reads every column and writes one number with many digits.
func (m *modelQuery) query(with bool) string {
	result := m.columns[0] + " / 3"
	if with {
		result = "PREDICT(it, " + strings.Join(m.columns, ", ") + ")"
	}
	return "CREATE STREAM bench AS SELECT " + result + " AS y FROM numbers WHERE " + strings.Join(m.columns, " IS NOT NULL AND ") + " IS NOT NULL EMIT CHANGES;"
}
