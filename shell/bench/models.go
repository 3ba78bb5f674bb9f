package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/millrace/millrace/shell/workbench"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/udf/model"
	"github.com/millrace/millrace/udf/model/native"
	"github.com/millrace/millrace/udf/model/ort"
)

// ModelOptions say what Models measures.
type ModelOptions struct {
	Files   []string
	Batches []int
	Runtime string // ONNX Runtime's library; "": the system's
	Python  string // a Python that has onnxruntime; "": that contestant is left out
	Rounds  int
	Time    time.Duration // of one contestant in one round
}

// Models times model files, batch by batch: the native backend; the ort backend; ONNX Runtime's own run, called as C programs do;
// ONNX Runtime in a Python process; and PREDICT, from SQL's columns to SQL's columns, with the native backend inside. They take turns on
// the same rows, and CPU time counts. Who is not there is left out.
func Models(ctx context.Context, o Options, m ModelOptions) error {
	s := &modelStand{ModelOptions: m}
	if m.Python != "" {
		var err error
		if s.python, err = startPython(m.Python); err != nil {
			return err
		}
		defer s.python.close()
	}
	if version, err := (ort.Backend{Path: m.Runtime}).Open(); err != nil {
		_, _ = fmt.Fprintf(o.Progress, "without ONNX Runtime: %v\n", err)
	} else {
		_, _ = fmt.Fprintf(o.Out, "ONNX Runtime %s, one thread\n", version)
	}
	w := tabwriter.NewWriter(o.Out, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(w, "model\tbatch\tnative ns/row\tmin\tallocations/batch\tort\tdirect\tpython\tdirect/native\tmin to max\tPREDICT\tover native\t")
	for _, path := range m.Files {
		for _, rows := range m.Batches {
			if err := ctx.Err(); err != nil {
				return err
			}
			_, _ = fmt.Fprintf(o.Progress, "%s, batches of %d\n", path, rows)
			if err := s.measure(ctx, w, path, rows); err != nil {
				return fmt.Errorf("measure %s in batches of %d: %w", path, rows, err)
			}
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	return s.aims.write(o.Out)
}

type modelStand struct {
	ModelOptions
	aims   modelAims
	python *python // nil: not there
}

// The contestants, in the order of the columns.
const (
	byNative = iota
	byPredict
	byORT
	byDirect
	byPython
	contestants
)

// loadNative gives the native scorer of a model's file, and the file.
func loadNative(ctx context.Context, path string) (model.Scorer, []byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	s, err := native.Backend{}.Load(ctx, model.NewArtifact(path, b), model.Options{})
	return s, b, err
}

func (s *modelStand) measure(ctx context.Context, w io.Writer, path string, rows int) error {
	scorer, b, err := loadNative(ctx, path)
	if err != nil {
		return err
	}
	in, err := inputRows(path, scorer.Signature(), rows)
	if err != nil {
		return err
	}
	var all [contestants]contestant
	score := scoring(ctx, scorer, in, rows)
	all[byNative] = inProcess(score)
	if all[byPredict], err = predicting(ctx, scorer, in, rows); err != nil {
		return err
	}
	closeORT, err := s.enterORT(ctx, &all, path, b, in, rows)
	if err != nil {
		return err
	}
	defer closeORT()
	if s.python != nil && filepath.Ext(path) == ".onnx" {
		if err := s.python.load(path, scorer.Signature(), in, rows); err != nil {
			return err
		}
		all[byPython] = s.python
	}
	var list []contestant
	var who []int
	for i, c := range all {
		if c != nil {
			list, who = append(list, c), append(who, i)
		}
	}
	took, err := contest(list, s.Rounds, s.Time)
	if err != nil {
		return err
	}
	var by [contestants][]float64
	for k, i := range who {
		by[i] = took[k]
	}
	allocations, err := allocationsOf(score)
	if err != nil {
		return err
	}
	return s.report(w, path, b, rows, by, allocations)
}

// scoring is one call of a scorer.
func scoring(ctx context.Context, s model.Scorer, in []model.Column, rows int) func() error {
	out := make([]model.Column, len(s.Signature().Outputs))
	return func() error { return s.Score(ctx, in, rows, out) }
}

// enterORT adds the two contestants that need ONNX Runtime's library, if it is there and takes the model.
func (s *modelStand) enterORT(ctx context.Context, all *[contestants]contestant, path string, b []byte, in []model.Column, rows int) (func(), error) {
	scorer, err := ort.Backend{Path: s.Runtime}.Load(ctx, model.NewArtifact(path, b), model.Options{})
	var u *model.UnsupportedError
	if errors.As(err, &u) {
		return func() {}, nil
	}
	if err != nil {
		return nil, err
	}
	all[byORT] = inProcess(scoring(ctx, scorer, in, rows))
	direct, err := ort.NewDirect(scorer, in, rows)
	if errors.Is(err, ort.ErrOneByOne) {
		return func() { _ = scorer.Close() }, nil
	}
	if err != nil {
		_ = scorer.Close()
		return nil, err
	}
	all[byDirect] = inProcess(direct.Run)
	return func() {
		direct.Close()
		_ = scorer.Close()
	}, nil
}

// predicting is a PREDICT over columns as a decoder gives them: DOUBLE, BIGINT, BOOLEAN, STRING.
func predicting(ctx context.Context, s model.Scorer, in []model.Column, rows int) (contestant, error) {
	sig := s.Signature()
	kinds := sig.ArgTypes()
	b, err := model.Bind("it", s, kinds)
	if err != nil {
		return nil, err
	}
	var args []*vector.Vector
	for i, t := range sig.Inputs {
		w := t.Width()
		for k := range w {
			v := vector.New(kinds[len(args)])
			for r := range rows {
				v.Append(sqlValue(t.Type, v.Type, &in[i], r*w+k))
			}
			args = append(args, v)
		}
	}
	out := vector.New(b.Result)
	return inProcess(func() error {
		out.Reset()
		return b.Score(ctx, args, rows, nil, out)
	}), nil
}

// sqlValue is an element of a tensor as SQL has it.
func sqlValue(t model.ElemType, as *types.Type, c *model.Column, i int) any {
	switch {
	case t == model.Float32:
		return float64(c.Float32[i])
	case t == model.Float64:
		return c.Float64[i]
	case t == model.Bool:
		return c.Bool[i]
	case t == model.String:
		return c.String[i]
	case as.Kind == types.KindInt:
		return int32(c.Int64[i])
	}
	return c.Int64[i]
}

// inputRows are the rows of the sample beside the file, such as the tests' models have, over and over, or random ones.
func inputRows(path string, sig model.Signature, rows int) ([]model.Column, error) {
	in := workbench.RandomRows(sig, rows)
	b, err := os.ReadFile(strings.TrimSuffix(path, filepath.Ext(path)) + ".json")
	if errors.Is(err, fs.ErrNotExist) || filepath.Ext(path) != ".onnx" {
		return in, nil
	}
	if err != nil {
		return nil, err
	}
	var sample struct{ Inputs map[string][]any }
	if err := json.Unmarshal(b, &sample); err != nil {
		return nil, fmt.Errorf("read the sample of %s: %w", path, err)
	}
	for i, t := range sig.Inputs {
		values := sample.Inputs[t.Name]
		if len(values) == 0 || len(values)%t.Width() != 0 {
			return nil, fmt.Errorf("the sample of %s has no rows of %s", path, t)
		}
		for k := range in[i].Len(t.Type) {
			setElement(&in[i], t.Type, k, values[k%len(values)])
		}
	}
	return in, nil
}

// setElement sets an element to a value that JSON had; null is none and leaves the random one.
func setElement(c *model.Column, t model.ElemType, k int, v any) {
	switch v := v.(type) {
	case string:
		if t == model.String {
			c.String[k] = v
		}
	case float64:
		switch t {
		case model.Float32:
			c.Float32[k] = float32(v)
		case model.Float64:
			c.Float64[k] = v
		case model.Int64, model.Int32:
			c.Int64[k] = int64(v)
		}
	}
}

// allocationsOf counts what a run allocates, by the mean of some.
func allocationsOf(run func() error) (float64, error) {
	const runs = 100
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		if err := run(); err != nil {
			return 0, err
		}
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / runs, nil
}

// report writes the line of a model in batches of so many rows.
func (s *modelStand) report(w io.Writer, path string, file []byte, rows int, by [contestants][]float64, allocations float64) error {
	perRow := func(i int) string {
		if by[i] == nil {
			return "-"
		}
		return fmt.Sprintf("%.0f", median(by[i])/float64(rows))
	}
	name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	what := fmt.Sprintf("%s in batches of %d", name, rows)
	ratio, spread := "-", "-"
	if by[byDirect] != nil {
		r := ratios(by[byDirect], by[byNative])
		ratio, spread = fmt.Sprintf("%.2f", median(r)), fmt.Sprintf("%.2f to %.2f", slices.Min(r), slices.Max(r))
		s.aims.ratio(file, what, median(r))
	}
	over := median(ratios(by[byPredict], by[byNative])) - 1
	s.aims.note("no allocation per row", allocations < 1, fmt.Sprintf("%s: %.0f", what, allocations))
	s.aims.note(fmt.Sprintf("PREDICT at most %.0f%% over native", 100*aimPredict), over <= aimPredict, fmt.Sprintf("%s: %.0f%%", what, 100*over))
	_, err := fmt.Fprintf(w, "%s\t%d\t%s\t%.0f\t%.1f\t%s\t%s\t%s\t%s\t%s\t%s\t%.0f%%\t\n", name, rows, perRow(byNative),
		slices.Min(by[byNative])/float64(rows), allocations, perRow(byORT), perRow(byDirect), perRow(byPython), ratio, spread,
		perRow(byPredict), 100*over)
	return err
}
