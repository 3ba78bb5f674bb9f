// Package native is the backend that scores models in the process: it finds out what a file is by its bytes, whatever
// its name, and gives it to the reader of its format.
package native

import (
	"bytes"
	"context"
	"errors"

	"github.com/millrace/millrace/udf/model"
	"github.com/millrace/millrace/udf/model/lightgbm"
	"github.com/millrace/millrace/udf/model/onnx"
	"github.com/millrace/millrace/udf/model/xgboost"
)

// Format is the format of a model file.
type Format string

// The formats.
const (
	ONNX        Format = "onnx"
	XGBoostJSON Format = "xgboost-json"
	XGBoostUBJ  Format = "xgboost-ubj"
	LightGBM    Format = "lightgbm-text"
)

// foreign are files that people try, by how they begin, with what to do instead.
var foreign = []struct{ prefix, message string }{
	{"\x80\x02", "the file is a Python pickle: export the model to ONNX, or save it by the library's own save_model"},
	{"\x80\x03", "the file is a Python pickle: export the model to ONNX, or save it by the library's own save_model"},
	{"\x80\x04", "the file is a Python pickle: export the model to ONNX, or save it by the library's own save_model"},
	{"\x80\x05", "the file is a Python pickle: export the model to ONNX, or save it by the library's own save_model"},
	{"PK\x03\x04", "the file is a zip archive, as PyTorch and Keras write them: export the model to ONNX"},
	{"\x89HDF", "the file is HDF5, as Keras writes it: export the model to ONNX"},
	{"binf", "the file is XGBoost's old binary format: save_model to a name that ends with .json or .ubj"},
	{"CBM1", "the file is CatBoost's own format: save_model with format='onnx'"},
	{"\x1f\x8b", "the file is compressed: unpack it"},
	{"version https://git-lfs", "the file is a pointer of Git LFS: fetch the model itself"},
}

// Detect tells the format from the bytes. What is nothing else is ONNX, which has no mark of its own: its reader says
// what is wrong with it.
func Detect(b []byte) (Format, error) {
	if len(b) == 0 {
		return "", errors.New("the file is empty")
	}
	for _, f := range foreign {
		if bytes.HasPrefix(b, []byte(f.prefix)) {
			return "", errors.New(f.message)
		}
	}
	switch text := bytes.TrimLeft(b[:min(len(b), 64)], " \t\r\n"); {
	case lightgbm.IsText(b):
		return LightGBM, nil
	case xgboost.IsUBJ(b):
		return XGBoostUBJ, nil
	case bytes.HasPrefix(text, []byte("{")):
		return XGBoostJSON, nil
	}
	return ONNX, nil
}

// Backend is the native backend. The zero value is ready.
type Backend struct{}

var _ model.Backend = Backend{}

// Name returns "native".
func (Backend) Name() string { return onnx.Backend{}.Name() }

// Load implements model.Backend.
func (Backend) Load(ctx context.Context, a model.Artifact, o model.Options) (model.Scorer, error) {
	f, err := Detect(a.Bytes)
	if err != nil {
		return nil, err
	}
	switch f {
	case XGBoostJSON, XGBoostUBJ:
		return xgboost.Backend.Load(ctx, a, o)
	case LightGBM:
		return lightgbm.Backend.Load(ctx, a, o)
	case ONNX:
	}
	return onnx.Backend{}.Load(ctx, a, o)
}

// Facts says what format a file is in and what it holds, be it covered or not.
func Facts(b []byte, limit int) (Format, []model.Fact, error) {
	f, err := Detect(b)
	if err != nil {
		return "", nil, err
	}
	read := onnx.Facts
	switch f {
	case XGBoostJSON, XGBoostUBJ:
		read = xgboost.Facts
	case LightGBM:
		read = lightgbm.Facts
	case ONNX:
	}
	facts, err := read(b, limit)
	return f, facts, err
}
