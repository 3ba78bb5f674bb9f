package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/millrace/millrace/udf/model"
)

// kernelOf measures a row against a support vector.
type kernelOf struct {
	name                string
	gamma, coef, degree float32
}

func (x *call) kernel() (kernelOf, error) {
	k := kernelOf{name: x.text("kernel_type", "LINEAR")}
	if p := x.floats("kernel_params"); len(p) == 3 {
		k.gamma, k.coef, k.degree = p[0], p[1], p[2]
	} else if len(p) != 0 {
		return k, fmt.Errorf("%d kernel parameters", len(p))
	}
	switch k.name {
	case "LINEAR", "POLY", "RBF", "SIGMOID":
		return k, nil
	}
	return k, fmt.Errorf("kernel %q", k.name)
}

// between computes the kernel in float, element after element.
func (k *kernelOf) between(a, b []float32) float32 {
	var sum float32
	if k.name == "RBF" {
		for i, v := range a {
			d := v - b[i]
			sum += float32(d * d)
		}
		return float32(math.Exp(-float64(float32(k.gamma * sum))))
	}
	for i, v := range a {
		sum += float32(v * b[i])
	}
	switch k.name {
	case "POLY":
		return float32(math.Pow(float64(float32(k.gamma*sum)+k.coef), float64(k.degree)))
	case "SIGMOID":
		return float32(math.Tanh(float64(float32(k.gamma*sum) + k.coef)))
	}
	return sum
}

// supports are the support vectors of a machine.
type supports struct {
	kernel   kernelOf
	features int
	count    int
	vectors  []float32
}

func (x *call) supports(features, count int) (*supports, error) {
	k, err := x.kernel()
	if err != nil {
		return nil, err
	}
	s := &supports{kernel: k, features: features, count: count, vectors: x.floats("support_vectors")}
	if len(s.vectors) != count*features {
		return nil, fmt.Errorf("%d numbers for %d support vectors of %d features", len(s.vectors), count, features)
	}
	if err := x.charge(x.inputs[0].size(), count); err != nil {
		return nil, err
	}
	return s, nil
}

// measure writes the kernel of a row with every support vector.
func (s *supports) measure(dst, row []float32) {
	for i := range dst {
		dst[i] = s.kernel.between(row, s.vectors[i*s.features:][:s.features])
	}
}

// svmRegressor is a weighted sum of kernels; without support vectors, of the features.
func svmRegressor(x *call) error {
	v, features, err := x.linearTable()
	if err != nil {
		return err
	}
	n, rho, weights := x.int("n_supports", 0), x.floats("rho"), x.floats("coefficients")
	if post := x.text("post_transform", "NONE"); post != "NONE" || n <= 0 || x.int("one_class", 0) != 0 {
		return uncovered("one_class, post_transform %s or %d support vectors", post, n)
	}
	if n > maxRowElements || int64(len(weights)) != n || len(rho) != 1 {
		return fmt.Errorf("%d coefficients and %d rho for %d support vectors", len(weights), len(rho), n)
	}
	s, err := x.supports(features, int(n))
	if err != nil {
		return err
	}
	kernels, err := x.define("", model.Float32, []int{v.shape[0], s.count})
	if err != nil {
		return err
	}
	out, err := x.output(model.Float32, []int{v.shape[0], 1})
	if err != nil {
		return err
	}
	return x.emit(func(f *frame) error {
		src, k, dst := data[float32](f, v), data[float32](f, kernels), data[float32](f, out)
		for r := range dst {
			row := k[r*s.count:][:s.count]
			s.measure(row, src[r*features:][:features])
			var sum float32
			for i, w := range weights {
				sum += float32(w * row[i])
			}
			dst[r] = sum + rho[0]
		}
		return nil
	})
}

// pairwise is a support vector classifier: one machine for each pair of classes.
type pairwise struct {
	*supports
	classes int
	first   []int // first support vector of a class; one more at the end
	weights []float32
	rho     []float32
	probA   []float32
	probB   []float32
}

func (p *pairwise) pairs() int { return p.classes * (p.classes - 1) / 2 }

// maxPairClasses bounds classes, whose pairs are all computed.
const maxPairClasses = 1 << 8

func (x *call) pairwise(features, classes int) (*pairwise, error) {
	per := x.ints("vectors_per_class")
	p := &pairwise{
		classes: classes, weights: x.floats("coefficients"), rho: x.floats("rho"),
		probA: x.floats("prob_a"), probB: x.floats("prob_b"), first: []int{0},
	}
	if len(per) == 0 || classes < 2 || classes > maxPairClasses {
		return nil, uncovered("%d classes and %d lists of support vectors", classes, len(per))
	}
	total := int64(0)
	for _, n := range per {
		if n < 0 || n > maxRowElements || total+n > maxRowElements {
			return nil, errors.New("the number of support vectors")
		}
		total += n
		p.first = append(p.first, int(total))
	}
	if len(per) != classes || len(p.rho) != p.pairs() || int64(len(p.weights)) != int64(classes-1)*total {
		return nil, fmt.Errorf("the lists of attributes do not fit %d classes and %d support vectors", classes, total)
	}
	if len(p.probA) != len(p.probB) || len(p.probA) != 0 && len(p.probA) != p.pairs() {
		return nil, errors.New("the lists of probabilities do not fit the classes")
	}
	var err error
	p.supports, err = x.supports(features, int(total))
	return p, err
}

// decide computes the machines of a row from its kernels and counts what each class wins.
func (p *pairwise) decide(scores []float32, votes []int64, kernels []float32) {
	clear(votes)
	pair := 0
	for i := range p.classes {
		for j := i + 1; j < p.classes; j++ {
			sum := 0.0
			for m := p.first[i]; m < p.first[i+1]; m++ {
				sum += float64(p.weights[(j-1)*p.count+m] * kernels[m])
			}
			for m := p.first[j]; m < p.first[j+1]; m++ {
				sum += float64(p.weights[i*p.count+m] * kernels[m])
			}
			sum += float64(p.rho[pair])
			scores[pair] = float32(sum)
			pair++
			if sum > 0 {
				votes[i]++
			} else {
				votes[j]++
			}
		}
	}
}

// probabilities turns the scores of a row into pairwise probabilities by Platt's sigmoid, r[i*classes+j] being that of
// i against j.
func (p *pairwise) probabilities(r, scores []float32) {
	pair := 0
	for i := range p.classes {
		for j := i + 1; j < p.classes; j++ {
			v := 1 - logistic1(float32(scores[pair]*p.probA[pair])+p.probB[pair])
			v = min(max(v, 1e-7), 1-1e-7)
			r[i*p.classes+j], r[j*p.classes+i] = v, 1-v
			pair++
		}
	}
}

// couple joins pairwise probabilities into one a class, by the second method of Wu, Lin and Weng, "Probability
// estimates for multi-class classification by pairwise coupling" (2004), with the stopping rule of LIBSVM. q and qp
// are scratch of classes squared and classes.
func couple(p, r, q, qp []float32) {
	k := len(p)
	clear(q)
	for i := range k {
		p[i] = 1 / float32(k)
		for j := range k {
			if i != j {
				q[i*k+i] += float32(r[j*k+i] * r[j*k+i])
				q[i*k+j] = -float32(r[j*k+i] * r[i*k+j])
			}
		}
	}
	eps := 0.005 / float32(k)
	for range 100 {
		var pqp, worst float32
		for i := range k {
			qp[i] = 0
			for j := range k {
				qp[i] += float32(q[i*k+j] * p[j])
			}
			pqp += float32(p[i] * qp[i])
		}
		for i := range k {
			worst = max(worst, max(qp[i]-pqp, pqp-qp[i]))
		}
		if worst < eps {
			return
		}
		for i := range k {
			diff := (pqp - qp[i]) / q[i*k+i]
			p[i] += diff
			pqp = (pqp + float32(diff*(float32(diff*q[i*k+i])+2*qp[i]))) / (1 + diff) / (1 + diff)
			for j := range k {
				qp[j] = (qp[j] + float32(diff*q[i*k+j])) / (1 + diff)
				p[j] /= 1 + diff
			}
		}
	}
}

// svmClassifier votes over all pairs of classes, and gives probabilities where the file has their sigmoids.
func svmClassifier(x *call) error {
	v, features, err := x.linearTable()
	if err != nil {
		return err
	}
	classes, err := x.classLabels("classlabels_ints")
	if err != nil {
		return err
	}
	p, err := x.pairwise(features, classes.len())
	if err != nil {
		return err
	}
	if post := x.text("post_transform", "NONE"); post != "NONE" {
		return uncovered("post_transform %s", post)
	}
	temporary := func(kind model.ElemType, n int) *value {
		t, e := x.define("", kind, []int{v.shape[0], n})
		err = errors.Join(err, e)
		return t
	}
	k := p.classes
	kernels, machines := temporary(model.Float32, max(p.count, 1)), temporary(model.Float32, p.pairs())
	votes, work := temporary(model.Int64, k), temporary(model.Float32, 2*k*k+k)
	if err != nil {
		return err
	}
	columns := k
	if len(p.probA) == 0 {
		columns = max(p.pairs(), 2)
		if k == 2 && !slices.ContainsFunc(p.weights, func(w float32) bool { return w < 0 }) {
			return uncovered("two classes and no negative coefficient")
		}
	}
	label, scores, err := x.classifierOutputs(v, classes, columns)
	if err != nil {
		return err
	}
	return x.emit(func(f *frame) error {
		src, dst, won := data[float32](f, v), data[float32](f, scores), data[int64](f, votes)[:k]
		kernel, machine, scratch := data[float32](f, kernels)[:p.count], data[float32](f, machines)[:p.pairs()], data[float32](f, work)
		r, q, qp := scratch[:k*k], scratch[k*k:2*k*k], scratch[2*k*k:2*k*k+k]
		for n := 0; n*columns < len(dst); n++ {
			p.measure(kernel, src[n*features:][:features])
			p.decide(machine, won, kernel)
			row := dst[n*columns:][:columns]
			switch {
			case len(p.probA) > 0:
				p.probabilities(r, machine)
				couple(row, r, q, qp)
			case k == 2:
				row[0], row[1] = -machine[0], machine[0]
			default:
				copy(row, machine)
			}
			best := 0
			for i, w := range won {
				if w > won[best] {
					best = i
				}
			}
			classes.set(f, label, n, best)
		}
		return nil
	})
}
