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

	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/shell/workbench"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/udf/model"
)

// PredictOptions say what Predict measures.
type PredictOptions struct {
	Files   []string // of models that take numbers and give one
	Records int      // a run
	Rounds  int
}

// Predict runs a query with PREDICT and the same query without, over the same records, each in a fresh server, in turn. What the one takes
// of the server's CPU time more than the other is compared with the bare scorer in batches as large as those of the query.
func Predict(ctx context.Context, o Options, p PredictOptions) error {
	if p.Records < 10 || p.Rounds < 1 {
		return fmt.Errorf("measure PREDICT: %d rounds of %d records: at least 1 of 10", p.Rounds, p.Records)
	}
	r, err := openRig(ctx, o)
	if err != nil {
		return err
	}
	defer r.close()
	w := tabwriter.NewWriter(o.Out, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(w, "model\tns/record with PREDICT\twithout\tPREDICT\tmin to max\tin calls\tbatch\tbare scorer\tover bare\t")
	var aims modelAims
	for _, path := range p.Files {
		if err := r.predict(ctx, w, &aims, path, p); err != nil {
			return fmt.Errorf("measure PREDICT with %s: %w", path, err)
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	return aims.write(o.Out)
}

// predict measures one model.
func (r *rig) predict(ctx context.Context, w *tabwriter.Writer, aims *modelAims, path string, p PredictOptions) error {
	scorer, _, err := loadNative(ctx, path)
	if err != nil {
		return err
	}
	m, err := newModelQuery(path, scorer)
	if err != nil {
		return err
	}
	const distinct = 4096
	in := workbench.RandomRows(scorer.Signature(), distinct)
	topic, err := r.loadRows(ctx, m.records(in[0].Float32, distinct), p.Records)
	if err != nil {
		return err
	}
	var with, without, more []float64
	var calls, inCalls float64
	for range p.Rounds {
		a, err := r.run(ctx, m.run(topic, true), p.Records, p.Records/10)
		if err != nil {
			return err
		}
		b, err := r.run(ctx, m.run(topic, false), p.Records, p.Records/10)
		if err != nil {
			return err
		}
		with, without = append(with, a.perRecord()), append(without, b.perRecord())
		more = append(more, a.perRecord()-b.perRecord())
		calls += a.calls
		inCalls += a.callSeconds
	}
	all := float64(p.Rounds * p.Records)
	batch := max(1, int(all/calls+0.5))
	bare, err := bareScorer(ctx, scorer, batch)
	if err != nil {
		return err
	}
	over := median(more)/bare - 1
	aims.note(fmt.Sprintf("PREDICT in a query at most %.0f%% over the bare scorer", 100*aimPredict), over <= aimPredict, fmt.Sprintf("%s: %.0f%%", m.name, 100*over))
	_, err = fmt.Fprintf(w, "%s\t%.0f\t%.0f\t%.0f\t%.0f to %.0f\t%.0f\t%d\t%.0f\t%.0f%%\t\n", m.name, median(with), median(without), median(more),
		slices.Min(more), slices.Max(more), inCalls*1e9/all, batch, bare, 100*over)
	return err
}

// perRecord is the CPU time of a record in nanoseconds.
func (c consumption) perRecord() float64 { return float64(c.cpu.Nanoseconds()) / c.records }

// bareScorer is the nanoseconds of a row in batches of so many.
func bareScorer(ctx context.Context, s model.Scorer, batch int) (float64, error) {
	took, err := contest([]contestant{inProcess(scoring(ctx, s, workbench.RandomRows(s.Signature(), batch), batch))}, 9, 100*time.Millisecond)
	if err != nil {
		return 0, err
	}
	return median(took[0]) / float64(batch), nil
}

// modelQuery is a query with the PREDICT of a model.
type modelQuery struct {
	name, dir, file string
	columns         []string
}

func newModelQuery(path string, s model.Scorer) (*modelQuery, error) {
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("find the folder: %w", err)
	}
	sig := s.Signature()
	b, err := model.Bind("it", s, sig.ArgTypes())
	if err != nil {
		return nil, err
	}
	if len(sig.Inputs) != 1 || sig.Inputs[0].Type != model.Float32 || !types.Equal(b.Result, types.Double) {
		return nil, fmt.Errorf("it takes %v and returns %s: only models of one float32 input that return a DOUBLE are measured in queries", sig.Inputs, b.Result)
	}
	m := &modelQuery{name: strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)), dir: dir, file: filepath.Base(path)}
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

// run is the query over a topic, with PREDICT or without. Both read every column.
func (m *modelQuery) run(topic string, with bool) run {
	result, name := m.columns[0], m.name+" without PREDICT"
	if with {
		result, name = "PREDICT(it, "+strings.Join(m.columns, ", ")+")", m.name+" with PREDICT"
	}
	return run{
		name: name,
		define: []string{
			"CREATE MODEL it WITH (URI='" + strings.ReplaceAll(m.file, "'", "''") + "');",
			"CREATE STREAM numbers (" + strings.Join(m.columns, " DOUBLE, ") + " DOUBLE) WITH (KAFKA_TOPIC='" + topic + "', VALUE_FORMAT='JSON');",
		},
		sql: "CREATE STREAM bench WITH (KAFKA_TOPIC='%s') AS SELECT " + result + " AS y FROM numbers WHERE " +
			strings.Join(m.columns, " IS NOT NULL AND ") + " IS NOT NULL EMIT CHANGES;",
		flags: []string{"--model-dir", m.dir},
	}
}

// loadRows sends values to a topic of their own, over and over.
func (r *rig) loadRows(ctx context.Context, values [][]byte, records int) (topic string, err error) {
	if topic, err = r.topic(ctx, fmt.Sprintf("rows-%d", r.services), 1); err != nil {
		return "", err
	}
	p := r.client.NewProducer(kafka.ProducerConfig{})
	defer p.Close()
	batch := kafka.ProduceBatch{Topic: topic}
	for done := 0; done < records; done += len(batch.Records) {
		batch.Records = batch.Records[:0]
		for i := range min(2_000, records-done) {
			batch.Records = append(batch.Records, kafka.Record{Timestamp: 1_700_000_000_000, Value: values[(done+i)%len(values)]})
		}
		if err := p.Send(ctx, batch); err != nil {
			return "", fmt.Errorf("load rows: %w", err)
		}
	}
	return topic, p.Flush(ctx)
}
