package onnx

import (
	"errors"
	"fmt"

	"github.com/millrace/millrace/udf/model"
)

// pad adds elements before and after each axis: one value, or those of the tensor. Negative numbers cut.
func pad(x *call) error {
	if err := x.arity(1, 4); err != nil {
		return err
	}
	v, mode, fill := x.inputs[0], x.text("mode", "constant"), x.optional(2)
	pads, axes, err := x.padLists(v)
	if err != nil {
		return err
	}
	if len(pads) != 2*len(axes) {
		return fmt.Errorf("%d pads of %d axes", len(pads), len(axes))
	}
	p, err := x.pickAll(v.shape)
	if err != nil {
		return err
	}
	for i, a := range axes {
		before, after := pads[i], pads[i+len(axes)]
		if before == 0 && after == 0 {
			continue
		}
		at, err := axis(v, a)
		if err != nil {
			return err
		}
		positions, err := padded(p.shape[at], before, after, mode)
		if err != nil {
			return err
		}
		if err := p.take(at, positions); err != nil {
			return err
		}
	}
	if x.opset < 11 {
		if number := x.float("value", 0); number != 0 {
			if fill, err = x.constant("", &tensor{kind: model.Float32, data: model.Column{Float32: []float32{number}}}); err != nil {
				return err
			}
		}
	}
	return x.pickOrFill(v, fill, p)
}

// padLists reads the pads and the axes they are for: attributes before operator set 11.
func (x *call) padLists(v *value) (pads, axes []int64, err error) {
	if x.opset < 11 {
		pads = x.ints("pads")
	} else {
		list, e := x.input(1)
		if e != nil {
			return nil, nil, e
		}
		if pads, err = x.constInts(list, "pads"); err != nil {
			return nil, nil, err
		}
	}
	if list := x.optional(3); list != nil {
		axes, err = x.constInts(list, "axes")
		return pads, axes, err
	}
	for i := range v.shape {
		axes = append(axes, int64(i))
	}
	return pads, axes, nil
}

// padded lists the positions that an axis of the length gets.
func padded(length int, before, after int64, mode string) ([]int, error) {
	n := int64(length)
	total := n + before + after
	if before < -n || before > maxRowElements || after > maxRowElements || total < 1 {
		return nil, errors.New("pads that leave nothing, or too much")
	}
	positions := make([]int, total)
	for i := range positions {
		p := int64(i) - before
		inside := p >= 0 && p < n
		switch {
		case inside:
		case mode == "constant":
			p = outside
		case mode == "edge":
			p = min(max(p, 0), n-1)
		case mode == "wrap":
			p = (p%n + n) % n
		case mode == "reflect" && n > 1:
			period := 2 * (n - 1)
			if p = (p%period + period) % period; p >= n {
				p = period - p
			}
		default:
			return nil, uncovered("mode %s", mode)
		}
		positions[i] = int(p)
	}
	return positions, nil
}
