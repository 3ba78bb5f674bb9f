package docs

import "github.com/millrace/millrace/udf/model/modeltest"

// fraudModel is the ONNX file of the pages' smallest example: one linear regressor, 0.001 * amount - 0.01 * age + intercept.
func fraudModel(intercept float32) []byte { return modeltest.Linear(intercept, 0.001, -0.01) }
