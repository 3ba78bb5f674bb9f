package onnx

import (
	"fmt"

	"github.com/millrace/millrace/udf/model"
)

// conv is a convolution over one or two dimensions with constant weights. The patches that the window sees are laid out
// one after another, group by group, so that one dense product computes all places of a group.
func conv(x *call) error {
	if err := x.arity(2, 3); err != nil {
		return err
	}
	v, k, bias := x.inputs[0], x.inputs[1], x.optional(2)
	if k.batched() || k.kind != model.Float32 || len(k.shape) != len(v.shape) || len(v.shape) < 3 {
		return uncovered("operands %s and %s", shapeText(v.shape), shapeText(k.shape))
	}
	w, err := x.window(v, k.shape[2:])
	if err != nil {
		return err
	}
	groups, out := int(x.int("group", 1)), k.shape[0]
	if groups < 1 || out < 1 || w.channels%groups != 0 || out%groups != 0 || k.shape[1] != w.channels/groups {
		return fmt.Errorf("weights %s for %d channels in %d groups", shapeText(k.shape), w.channels, groups)
	}
	if bias != nil && (bias.batched() || bias.kind != model.Float32 || bias.size() != out) {
		return uncovered("a bias that is not constant, one a channel")
	}
	in, per, places := product(k.shape[1:]), out/groups, w.y.out*w.x.out
	if err := x.charge(places, in, out+groups); err != nil {
		return err
	}
	if err := x.file.spend(8 * (out + panelWidth*groups) * in); err != nil {
		return err
	}
	kernels := make([]*dense[float32], groups)
	for g := range groups {
		kernels[g] = newDense(x.consts.f32[k.reg][g*per*in:][:per*in], in, per, true)
		if bias != nil {
			kernels[g].setBias(x.consts.f32[bias.reg][g*per:][:per])
		}
	}
	patches, err := x.scratch(model.Float32, places*in)
	if err != nil {
		return err
	}
	sums, err := x.scratch(model.Float32, places*per)
	if err != nil {
		return err
	}
	y, err := x.output(model.Float32, w.shape(v, out))
	if err != nil {
		return err
	}
	if err := x.file.spend(4 * places * w.y.kernel * w.x.kernel); err != nil {
		return err
	}
	seen, image := w.seen(), w.y.in*w.x.in
	return x.emit(func(f *frame) error {
		src, dst, p, s := data[float32](f, v), data[float32](f, y), f.f32[patches], f.f32[sums]
		row, size, channels := product(v.shape[1:]), product(y.shape[1:]), w.channels/groups
		for g, d := range kernels {
			for r := range len(src) / row {
				unroll(p, src[r*row+g*channels*image:][:channels*image], seen, w.y.kernel*w.x.kernel, image)
				d.run(s, p, places)
				channelsFirst(dst[r*size+g*per*places:][:per*places], s, places, per)
			}
		}
		return nil
	})
}

// unroll writes what the window sees, place after place: channel by channel, row by row; 0 outside the image.
func unroll(dst, src []float32, seen []int32, kernel, image int) {
	channels := len(src) / image
	for at := 0; at < len(seen); at += kernel {
		places := seen[at:][:kernel]
		for c := range channels {
			from, to := src[c*image:][:image], dst[:kernel]
			for k, i := range places {
				v := float32(0)
				if i >= 0 {
					v = from[i]
				}
				to[k] = v
			}
			dst = dst[kernel:]
		}
	}
}

// channelsFirst transposes places times channels.
func channelsFirst(dst, src []float32, places, channels int) {
	for p := range places {
		for c, v := range src[p*channels:][:channels] {
			dst[c*places+p] = v
		}
	}
}
