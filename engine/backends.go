package engine

import (
	"fmt"

	"github.com/millrace/millrace/udf/model"
	"github.com/millrace/millrace/udf/model/native"
	"github.com/millrace/millrace/udf/model/ort"
	"github.com/millrace/millrace/udf/model/remote"
)

// backends are those that score models, in the order in which they are asked whether they cover a file.
func (e *Engine) backends() []model.Backend {
	list := []model.Backend{native.Backend{}, ort.Backend{Path: e.opts.ONNXRuntime}}
	return append(list, remote.Backends(e.modelAccess())...)
}

// checkRuntime opens the library that the options name: who names one wants to know now that it is not there. The system's is only
// opened when a model needs it.
func (o *Options) checkRuntime() error {
	if o.ONNXRuntime == "" {
		return nil
	}
	if _, err := (ort.Backend{Path: o.ONNXRuntime}).Open(); err != nil {
		return fmt.Errorf("use ONNX Runtime: %w", err)
	}
	return nil
}
