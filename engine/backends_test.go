package engine

import (
	"context"
	"strings"
	"testing"
)

// TestNamedRuntimeMustBeThere: a server that is told of a library does not find out at its first model that it is not there.
func TestNamedRuntimeMustBeThere(t *testing.T) {
	e, err := Open(context.Background(), Options{DataDir: t.TempDir(), ONNXRuntime: "/nowhere/libonnxruntime.so"})
	if err == nil || !strings.Contains(err.Error(), "use ONNX Runtime") {
		t.Errorf("%v", err)
	}
	if e != nil {
		_ = e.Close(context.Background())
	}
}
