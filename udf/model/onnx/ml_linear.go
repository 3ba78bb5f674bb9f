package onnx

import (
	"errors"
	"fmt"

	"github.com/millrace/millrace/udf/model"
)

// labels are the classes of a classifier: integers or strings.
type labels struct {
	kind model.ElemType
	ints []int64
	strs []string
}

func (l labels) len() int { return len(l.ints) + len(l.strs) }

// classLabels reads the labels from whichever of two attributes is there.
func (x *call) classLabels(intsName string) (labels, error) {
	l := labels{kind: model.Int64, ints: x.ints(intsName), strs: x.texts("classlabels_strings")}
	if len(l.strs) > 0 {
		l.kind = model.String
	}
	if len(l.ints) > 0 && len(l.strs) > 0 {
		return l, errors.New("class labels of both types")
	}
	return l, nil
}

// set writes label i to row r of an output.
func (l labels) set(f *frame, out *value, r, i int) {
	if l.kind == model.String {
		f.str[out.reg][r] = l.strs[i]
	} else {
		f.i64[out.reg][r] = l.ints[i]
	}
}

// linear is a matrix and intercepts from attributes, as LinearRegressor and LinearClassifier have them.
func (x *call) linear(features int) (*dense[float32], int, error) {
	w, b := x.floats("coefficients"), x.floats("intercepts")
	if len(w) == 0 || len(w)%features != 0 {
		return nil, 0, fmt.Errorf("%d coefficients for %d features", len(w), features)
	}
	n := len(w) / features
	if len(b) != 0 && len(b) != n {
		return nil, 0, fmt.Errorf("%d intercepts for %d targets", len(b), n)
	}
	if err := errors.Join(x.file.spend(4*(n+panelWidth)*features), x.charge(x.inputs[0].size(), n)); err != nil {
		return nil, 0, err
	}
	d := newDense(w, features, n, true)
	d.setBias(b)
	return d, n, nil
}

// linearTable is floatTable for operators that take doubles and compute in float.
func (x *call) linearTable() (*value, int, error) {
	v, err := x.input(0)
	if err != nil {
		return nil, 0, err
	}
	features, err := table(v)
	if err == nil && v.kind == model.String {
		err = uncovered("an operand of string")
	}
	if err != nil {
		return nil, 0, err
	}
	v, err = x.convert(v, model.Float32, false)
	return v, features, err
}

// linearRegressor computes weighted sums of the features.
func linearRegressor(x *call) error {
	v, features, err := x.linearTable()
	if err != nil {
		return err
	}
	name, post, err := x.postTransform()
	if err != nil {
		return err
	}
	d, n, err := x.linear(features)
	if err != nil {
		return err
	}
	if targets := x.int("targets", 1); targets != int64(n) {
		return fmt.Errorf("coefficients for %d targets, want %d", n, targets)
	}
	if n == 1 && name != "NONE" && name != "PROBIT" {
		return uncovered("post_transform %s of one score", name)
	}
	out, err := x.output(model.Float32, withAxis(v.shape, 1, n))
	if err != nil {
		return err
	}
	return x.emit(func(f *frame) error {
		dst := data[float32](f, out)
		d.run(dst, data[float32](f, v), len(dst)/n)
		for at := 0; at < len(dst); at += n {
			post(dst[at : at+n])
		}
		return nil
	})
}

// linearClassifier scores every class by a weighted sum. One score for two classes is that of the second, and the
// first gets what is left of 1.
func linearClassifier(x *call) error {
	v, features, err := x.linearTable()
	if err != nil {
		return err
	}
	name, post, err := x.postTransform()
	if err != nil {
		return err
	}
	x.ignore("multi_class") // the post_transform says it
	classes, err := x.classLabels("classlabels_ints")
	if err != nil {
		return err
	}
	d, n, err := x.linear(features)
	if err != nil {
		return err
	}
	if n == 1 {
		return x.linearBinary(v, d, classes, name)
	}
	if classes.len() != n {
		return fmt.Errorf("%d class labels for %d scores", classes.len(), n)
	}
	label, scores, err := x.classifierOutputs(v, classes, n)
	if err != nil {
		return err
	}
	return x.emit(func(f *frame) error {
		dst := data[float32](f, scores)
		d.run(dst, data[float32](f, v), len(dst)/n)
		for r := 0; r*n < len(dst); r++ {
			row := dst[r*n:][:n]
			classes.set(f, label, r, largestIndex(row))
			post(row)
		}
		return nil
	})
}

// classifierOutputs defines the label of a row and its n scores.
func (x *call) classifierOutputs(v *value, classes labels, n int) (label, scores *value, err error) {
	if label, err = x.output(classes.kind, []int{v.shape[0]}); err != nil {
		return nil, nil, err
	}
	scores, err = x.output(model.Float32, []int{v.shape[0], n})
	return label, scores, err
}

func (x *call) linearBinary(v *value, d *dense[float32], classes labels, post string) error {
	if classes.len() != 2 {
		return uncovered("one score for %d classes", classes.len())
	}
	if post != "NONE" && post != "LOGISTIC" {
		return uncovered("post_transform %s of one score", post)
	}
	label, scores, err := x.classifierOutputs(v, classes, 2)
	if err != nil {
		return err
	}
	one, err := x.define("", model.Float32, []int{v.shape[0], 1})
	if err != nil {
		return err
	}
	return x.emit(func(f *frame) error {
		src, dst := data[float32](f, one), data[float32](f, scores)
		d.run(src, data[float32](f, v), len(src))
		for r, s := range src {
			best := 0
			if s > 0 {
				best = 1
			}
			classes.set(f, label, r, best)
			if post == "LOGISTIC" {
				dst[2*r], dst[2*r+1] = logistic1(-s), logistic1(s)
			} else {
				dst[2*r], dst[2*r+1] = 1-s, s
			}
		}
		return nil
	})
}

func largestIndex(row []float32) int {
	best := 0
	for i, s := range row {
		if s > row[best] {
			best = i
		}
	}
	return best
}
