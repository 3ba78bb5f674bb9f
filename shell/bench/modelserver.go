package bench

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/millrace/millrace/shell/workbench"
	"github.com/millrace/millrace/udf/model"
	"github.com/millrace/millrace/udf/model/remote"
)

// ModelServerOptions say what ModelServer measures.
type ModelServerOptions struct {
	Kind    string // the server's protocol, as BACKEND names it
	URI     string // of the model there; it must tell its inputs and outputs
	File    string // a model file with the same number of inputs, scored here; "": none
	Batches []int
	Rounds  int // calls of each batch size
}

// ModelServer times a model on a server, over the network and batch by batch, and beside it a file that the native backend scores. The clock on
// the wall counts, since a server's CPU time is not ours.
func ModelServer(ctx context.Context, o Options, m ModelServerOptions) error {
	u, err := url.Parse(m.URI)
	if err != nil {
		return fmt.Errorf("the model's URI: %w", err)
	}
	policy := remote.DefaultPolicy()
	policy.Timeout, policy.Retries, policy.MaxRows = model.MaxWait, 0, slices.Max(m.Batches)
	server, err := remote.Open(ctx, remote.Options{Kind: remote.Kind(m.Kind), URI: m.URI, Policy: &policy, Access: remote.Access{Hosts: []string{u.Host}}})
	if err != nil {
		return err
	}
	defer func() { _ = server.Close() }() // it holds connections alone
	if d, ok := server.(model.Described); ok {
		for _, f := range d.Facts() {
			_, _ = fmt.Fprintf(o.Out, "%s: %s\n", f.Name, f.Value)
		}
	}
	scorers := []model.Scorer{server}
	w := tabwriter.NewWriter(o.Out, 0, 0, 2, ' ', tabwriter.AlignRight)
	header := "batch\tserver ms\tmin\tns/row\t"
	if m.File != "" {
		inside, _, err := loadNative(ctx, m.File)
		if err != nil {
			return fmt.Errorf("the file to compare with: %w", err)
		}
		scorers = append(scorers, inside)
		header += "native ms\tmin\tns/row\tserver/native\t"
	}
	_, _ = fmt.Fprintln(w, header)
	for _, rows := range m.Batches {
		var medians []time.Duration
		_, _ = fmt.Fprintf(w, "%d\t", rows)
		for _, s := range scorers {
			took, err := callTimes(ctx, s, rows, m.Rounds)
			if err != nil {
				return fmt.Errorf("score a batch of %d: %w", rows, err)
			}
			median := took[len(took)/2]
			medians = append(medians, median)
			_, _ = fmt.Fprintf(w, "%.3f\t%.3f\t%d\t", millis(median), millis(took[0]), median.Nanoseconds()/int64(rows))
		}
		if len(medians) == 2 {
			_, _ = fmt.Fprintf(w, "%.0f\t", float64(medians[0])/float64(max(medians[1], 1)))
		}
		_, _ = fmt.Fprintln(w)
	}
	return w.Flush()
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// callTimes scores a batch of random rows again and again, and returns how long each call took, the shortest first.
func callTimes(ctx context.Context, s model.Scorer, rows, rounds int) ([]time.Duration, error) {
	in, out := workbench.RandomRows(s.Signature(), rows), make([]model.Column, len(s.Signature().Outputs))
	if err := s.Score(ctx, in, rows, out); err != nil { // connects, and makes room
		return nil, err
	}
	took := make([]time.Duration, max(rounds, 1))
	for i := range took {
		began := time.Now()
		if err := s.Score(ctx, in, rows, out); err != nil {
			return nil, err
		}
		took[i] = time.Since(began)
	}
	slices.Sort(took)
	return took, nil
}
