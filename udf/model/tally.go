package model

import (
	"strconv"
	"time"
)

// Tally is what a version of a model has done. It can be added up: tasks, and servers, each have their own.
type Tally struct {
	Rows       int64 `json:"rows"`       // whose scores queries got
	ShadowRows int64 `json:"shadowRows"` // scored beside another version
	Batches    int64 `json:"batches"`    // calls that gave scores
	Errors     int64 `json:"errors"`     // calls that failed
	Nanos      int64 `json:"nanos"`      // spent in calls

	CallSeconds Histogram `json:"calls"`
	RowSeconds  Histogram `json:"perRow"` // of a call, divided by its rows: one a row

	// Sampled rows are those whose values were looked at, see Tally.stride. In the distributions each stands for as
	// many rows as there were for it.
	Sampled int64          `json:"sampled"`
	every   int            // of so many rows one at most is looked at
	doubled int            // how often every was since the last commit
	skipped int64          // rows of calls at which nobody looked, for which the next sampled row stands too
	Inputs  []Distribution `json:"inputs,omitempty"`  // of the first maxWatched elements, see InputNames
	Outputs []Distribution `json:"outputs,omitempty"` // likewise, see OutputNames

	// Compared rows were scored by another version of the model too, whose scores counted, or would have without this one. The
	// difference is that of the results' numbers.
	Compared   int64   `json:"compared,omitempty"`
	Agreed     int64   `json:"agreed,omitempty"`
	Difference float64 `json:"difference,omitempty"` // absolute ones, added up
}

const (
	sampledRows = 32  // most rows of a call
	enough      = 128 // rows between two commits
	maxWatched  = 64
)

// strideOf says which rows of a call are looked at: every so many-th one.
func strideOf(rows int) int { return max(1, (rows+sampledRows-1)/sampledRows) }

// Merge adds what another tally has counted.
func (t *Tally) Merge(o *Tally) {
	t.Rows += o.Rows
	t.ShadowRows += o.ShadowRows
	t.Batches += o.Batches
	t.Errors += o.Errors
	t.Nanos += o.Nanos
	t.Sampled += o.Sampled
	t.Compared += o.Compared
	t.Agreed += o.Agreed
	t.Difference += o.Difference
	t.CallSeconds.Merge(&o.CallSeconds)
	t.RowSeconds.Merge(&o.RowSeconds)
	t.Inputs = mergeAll(t.Inputs, o.Inputs)
	t.Outputs = mergeAll(t.Outputs, o.Outputs)
}

// reset forgets the counts and keeps the memory, for a tally that is filled again and again. As many rows are expected to come again.
func (t *Tally) reset() {
	every := int((t.Rows + t.ShadowRows) / enough)
	in, out, calls, rows := t.Inputs, t.Outputs, t.CallSeconds, t.RowSeconds
	calls.reset()
	rows.reset()
	for i := range in {
		in[i].reset()
	}
	for i := range out {
		out[i].reset()
	}
	*t = Tally{Inputs: in, Outputs: out, CallSeconds: calls, RowSeconds: rows, every: every}
}

// called counts a call that gave scores.
func (t *Tally) called(rows int, took time.Duration, shadow bool) {
	t.Batches++
	t.Nanos += int64(took)
	if shadow {
		t.ShadowRows += int64(rows)
	} else {
		t.Rows += int64(rows)
	}
	t.CallSeconds.Add(took.Seconds(), 1)
	if rows > 0 {
		t.RowSeconds.Add(took.Seconds()/float64(rows), int64(rows))
	}
}

// stride says which rows of the next call are looked at; 0: none. Looking at a row can take longer than scoring it, so there are to be
// enough between two commits and not more. How many rows come is taken from the time before the last commit; if more do, ever fewer of
// them are looked at.
func (t *Tally) stride(rows int) int {
	if t.Sampled >= int64(enough*(t.doubled+2)) {
		t.doubled++
		t.every = 2 * max(t.every, strideOf(rows))
	}
	if t.skipped+int64(rows) < int64(t.every) {
		return 0
	}
	return max(strideOf(rows), t.every)
}

// seen is an element of a tensor that is looked at.
type seen struct {
	tensor      int // in the signature
	kind        ElemType
	first, step int // where it is in the tensor's column: of the first row, and from row to row
}

// seenOf lists the first elements of tensors.
func seenOf(tensors []Tensor) []seen {
	var list []seen
	for i, t := range tensors {
		width := t.Width()
		for e := 0; e < width && len(list) < maxWatched; e++ {
			list = append(list, seen{tensor: i, kind: t.Type, first: e, step: width})
		}
	}
	return list
}

// look takes the values of a call's rows in: of every so many-th one, for all of them. The tensors are those that were scored; a row
// that a NULL kept from being scored is not among them, and missing counts such NULLs by input element.
func (t *Tally) look(b *Binding) {
	s := &b.scratch
	rows := len(s.rows)
	if stride := t.stride(rows); stride == 0 {
		t.skipped += int64(rows)
	} else {
		t.Inputs = t.watch(t.Inputs, b.seenIn, s.in, rows, stride, false)
		t.Outputs = t.watch(t.Outputs, b.seenOut, s.out, rows, stride, true)
		t.Sampled += int64((rows + stride - 1) / stride)
		t.skipped = 0
	}
	if !b.choosy {
		return
	}
	for k, n := range s.missing {
		if n > 0 && k < len(t.Inputs) {
			t.Inputs[k].Missing += n
		}
	}
}

// watch takes elements of tensors in. The integers of outputs are labels.
func (t *Tally) watch(into []Distribution, list []seen, columns []Column, rows, stride int, labels bool) []Distribution {
	for len(into) < len(list) {
		into = append(into, Distribution{})
	}
	for k := range list {
		into[k].take(&list[k], &columns[list[k].tensor], rows, stride, t.skipped, labels)
	}
	return into
}

// take counts an element of every stride-th row, as many times as there are rows up to the next one; the first one stands for those before
// it too.
func (d *Distribution) take(e *seen, c *Column, rows, stride int, before int64, labels bool) {
	for row := 0; row < rows; row += stride {
		i, n := e.first+row*e.step, int64(min(stride, rows-row))
		if row == 0 {
			n += before
		}
		switch e.kind {
		case Float32:
			d.takeFloat(float64(c.Float32[i]), n)
		case Float64:
			d.takeFloat(c.Float64[i], n)
		case Int64, Int32:
			if labels {
				d.addInteger(c.Int64[i], n)
			} else {
				d.Numbers.Add(float64(c.Int64[i]), n)
			}
		case Bool:
			d.addClass(strconv.FormatBool(c.Bool[i]), n)
		case String:
			d.addClass(c.String[i], n)
		}
	}
}

func (d *Distribution) takeFloat(v float64, n int64) {
	if v != v {
		d.Missing += n
		return
	}
	d.Numbers.Add(v, n)
}
