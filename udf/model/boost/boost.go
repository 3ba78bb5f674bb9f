// Package boost scores boosted trees: it is what the readers of XGBoost's and LightGBM's files share.
//
// A reader fills in a Model: the trees, with the score each adds to, what stands before them and the link that turns
// scores into what the library's own predict gives. New makes a scorer of it. The signature has one input, X, a row of
// features in the order of training, named where the file names them. The outputs follow from the Form:
//
//	Regression  prediction: float[?,K]   a DOUBLE, or an ARRAY of several targets
//	Binary      label: int64[?], probabilities: map(float[?,2])
//	Multiclass  label: int64[?], probabilities: map(float[?,K])
//	Label       label: int64[?]          libraries that give a class and no probability
//
// Labels are class numbers from 0, which is all that the files hold: names of classes live in the Python objects around
// the libraries.
package boost

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"sync"

	"github.com/millrace/millrace/udf/model"
	"github.com/millrace/millrace/udf/model/tree"
)

// Form is what a model gives for a row.
type Form uint8

// The forms.
const (
	Regression Form = iota
	Binary
	Multiclass
	Label
)

// Limits of a model. SQL calls are far below; a file that exceeds them is refused before memory is spent.
const (
	MaxFeatures = 1 << 16
	MaxScores   = 1 << 12
)

// Model is an ensemble as a file describes it.
type Model struct {
	Trees tree.Spec // Targets is the number of scores; Roots may be empty
	Names []string  // of the features; nil if the file has none
	Base  []float32 // added to the scores; nil: nothing
	Link  Link
	Form  Form

	// ZeroMissing marks features whose zeros are missing values; nil: none.
	ZeroMissing []bool
}

// New checks a model and makes its scorer.
func New(m Model) (model.Scorer, error) {
	s := &m.Trees
	if s.Features < 1 || s.Targets < 1 {
		return nil, fmt.Errorf("a model of %d features and %d scores", s.Features, s.Targets)
	}
	if s.Features > MaxFeatures || s.Targets > MaxScores {
		return nil, fmt.Errorf("%d features and %d scores exceed the limits of %d and %d", s.Features, s.Targets, MaxFeatures, MaxScores)
	}
	if m.Base != nil && len(m.Base) != s.Targets || m.Names != nil && len(m.Names) != s.Features {
		return nil, fmt.Errorf("%d base scores and %d feature names for %d scores of %d features", len(m.Base), len(m.Names), s.Targets, s.Features)
	}
	if (m.Form == Binary || m.Form == Label) && s.Targets != 1 || m.Form == Multiclass && s.Targets < 2 {
		return nil, fmt.Errorf("%d scores do not fit the objective", s.Targets)
	}
	x := &scorer{targets: s.Targets, features: s.Features, base: m.Base, link: m.Link, form: m.Form, zeroMissing: m.ZeroMissing}
	if len(s.Roots) > 0 {
		e, err := tree.New(*s)
		if err != nil {
			return nil, err
		}
		x.trees = e
	}
	x.sig = signature(m)
	x.copies.New = func() any {
		b := make([]float32, block*x.features)
		return &b
	}
	x.margins.New = func() any { return new([block]float32) }
	return x, nil
}

func signature(m Model) model.Signature {
	s := m.Trees
	sig := model.Signature{Inputs: []model.Tensor{
		{Name: "X", Type: model.Float32, Shape: []int64{-1, int64(s.Features)}, Columns: m.Names},
	}}
	if m.Form == Regression {
		sig.Outputs = []model.Tensor{{Name: "prediction", Type: model.Float32, Shape: []int64{-1, int64(s.Targets)}}}
		return sig
	}
	sig.Outputs = []model.Tensor{{Name: "label", Type: model.Int64, Shape: []int64{-1}}}
	if m.Form == Label {
		return sig
	}
	classes := max(2, s.Targets)
	keys := make([]string, classes)
	for i := range keys {
		keys[i] = strconv.Itoa(i)
	}
	sig.Outputs = append(sig.Outputs, model.Tensor{
		Name: "probabilities", Type: model.Float32, Shape: []int64{-1, int64(classes)}, Keys: keys,
	})
	return sig
}

// block is the number of rows that are copied at a time where zeros are missing values.
const block = 256

type scorer struct {
	sig         model.Signature
	trees       *tree.Ensemble // nil: none
	targets     int
	features    int
	base        []float32
	link        Link
	form        Form
	zeroMissing []bool
	copies      sync.Pool // *[]float32: block rows
	margins     sync.Pool // *[block]float32
}

// Signature implements model.Scorer.
func (s *scorer) Signature() model.Signature { return s.sig }

// Close implements model.Scorer.
func (s *scorer) Close() error { return nil }

// Score implements model.Scorer.
func (s *scorer) Score(ctx context.Context, in []model.Column, rows int, out []model.Column) error {
	if len(in) != 1 || len(out) != len(s.sig.Outputs) {
		return fmt.Errorf("score: %d inputs and %d outputs, want 1 and %d", len(in), len(out), len(s.sig.Outputs))
	}
	if got, want := len(in[0].Float32), rows*s.features; got != want {
		return fmt.Errorf("score: input X has %d elements, want %d", got, want)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("score: %w", err)
	}
	for i, t := range s.sig.Outputs {
		out[i].Resize(t.Type, rows*t.Width())
	}
	switch x := in[0].Float32; s.form {
	case Regression:
		s.scores(x, rows, out[0].Float32)
	case Binary:
		s.binary(x, rows, out[0].Int64, out[1].Float32)
	case Multiclass:
		s.multiclass(x, rows, out[0].Int64, out[1].Float32)
	case Label:
		s.labels(x, rows, out[0].Int64)
	}
	return nil
}

// scores computes the linked scores of all rows.
func (s *scorer) scores(x []float32, rows int, dst []float32) {
	switch {
	case s.trees == nil:
		clear(dst)
	case s.zeroMissing == nil:
		s.trees.Score(x, rows, dst, nil)
	default:
		s.zeros(x, rows, dst)
	}
	for at := 0; at < len(dst); at += s.targets {
		row := dst[at : at+s.targets]
		for i, b := range s.base {
			row[i] += b
		}
		if s.link != nil {
			s.link(row)
		}
	}
}

// tiny is what LightGBM takes for zero.
const tiny = 1e-35

// zeros scores copies of the rows in which zeros are missing.
func (s *scorer) zeros(x []float32, rows int, dst []float32) {
	buffer := s.copies.Get().(*[]float32)
	defer s.copies.Put(buffer)
	missing := float32(math.NaN())
	for from := 0; from < rows; from += block {
		n := min(block, rows-from)
		b := (*buffer)[:n*s.features]
		copy(b, x[from*s.features:])
		for f, zero := range s.zeroMissing {
			for i := f; zero && i < len(b); i += s.features {
				if v := b[i]; v >= -tiny && v <= tiny {
					b[i] = missing
				}
			}
		}
		s.trees.Score(b, n, dst[from*s.targets:][:n*s.targets], nil)
	}
}

// binary computes the probabilities of class 1 in the first half of dst and spreads them from behind.
func (s *scorer) binary(x []float32, rows int, label []int64, dst []float32) {
	s.scores(x, rows, dst[:rows])
	for r := rows - 1; r >= 0; r-- {
		p := dst[r]
		dst[2*r], dst[2*r+1] = 1-p, p
		label[r] = 0
		if p > 0.5 {
			label[r] = 1
		}
	}
}

func (s *scorer) multiclass(x []float32, rows int, label []int64, dst []float32) {
	s.scores(x, rows, dst)
	for r := range rows {
		best := 0
		for i, p := range dst[r*s.targets:][:s.targets] {
			if p > dst[r*s.targets+best] {
				best = i
			}
		}
		label[r] = int64(best)
	}
}

// labels gives class 1 where the score is above 0. It scores block rows at a time.
func (s *scorer) labels(x []float32, rows int, label []int64) {
	scores := s.margins.Get().(*[block]float32)
	defer s.margins.Put(scores)
	for from := 0; from < rows; from += block {
		n := min(block, rows-from)
		s.scores(x[from*s.features:][:n*s.features], n, scores[:n])
		for i, v := range scores[:n] {
			label[from+i] = 0
			if v > 0 {
				label[from+i] = 1
			}
		}
	}
}
