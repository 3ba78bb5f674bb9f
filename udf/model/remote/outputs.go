package remote

import "errors"

// outputSet is the outputs of a model, and which of them an answer has given.
type outputSet struct {
	list []Tensor
	seen []bool
}

func (d *Descriptor) outputs() *outputSet { return &outputSet{d.Outputs, make([]bool, len(d.Outputs))} }

var errTwice = errors.New("an output comes twice")

// named finds an output that an answer gives; false if the model has none of the name: nobody asked for it.
func (o *outputSet) named(name string) (i int, ok bool, err error) {
	for i, t := range o.list {
		if t.Name == name {
			return i, true, o.given(i)
		}
	}
	return 0, false, nil
}

// given notes that an answer gives an output.
func (o *outputSet) given(i int) error {
	if o.seen[i] {
		return errTwice
	}
	o.seen[i] = true
	return nil
}

// complete says which output is missing in an answer that has come to its end.
func (o *outputSet) complete() error {
	for i, t := range o.list {
		if !o.seen[i] {
			return fault(broken, "the answer has no output %.100s", t.Name)
		}
	}
	return nil
}
