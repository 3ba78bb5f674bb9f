package ort

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/millrace/millrace/udf/model"
)

func msg(num protowire.Number, parts ...[]byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, num, protowire.BytesType), slices.Concat(parts...))
}

func number(num protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.VarintType), v)
}

// TestContained looks for data outside the file wherever a file can name it.
func TestContained(t *testing.T) {
	inside, outside := number(fieldDataLocation, 0), number(fieldDataLocation, 1)
	location := msg(fieldExternalData, msg(1, []byte("location")), msg(2, []byte("secret")))
	for _, tensor := range [][]byte{outside, location, slices.Concat(inside, location)} {
		for name, file := range map[string][]byte{
			"initializer":             msg(7, msg(5, tensor)),
			"sparse initializer":      msg(7, msg(15, msg(2, tensor))),
			"attribute":               msg(7, msg(1, msg(5, msg(5, tensor)))),
			"attribute of tensors":    msg(7, msg(1, msg(5, msg(10, inside), msg(10, tensor)))),
			"attribute, sparse":       msg(7, msg(1, msg(5, msg(22, msg(1, tensor))))),
			"initializer of a branch": msg(7, msg(1, msg(5, msg(6, msg(5, tensor))))),
			"initializer of branches": msg(7, msg(1, msg(5, msg(11, msg(5, tensor))))),
			"function":                msg(25, msg(7, msg(5, msg(5, tensor)))),
			"default of a function":   msg(25, msg(11, msg(5, tensor))),
			"training":                msg(20, msg(2, msg(5, tensor))),
		} {
			if err := contained(file); !errors.Is(err, errExternal) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if err := contained(msg(7, msg(5, inside), msg(1, msg(5, msg(5, inside))))); err != nil {
		t.Errorf("data inside the file: %v", err)
	}
}

func TestNotONNX(t *testing.T) {
	deep := []byte{}
	for range maxNesting {
		deep = msg(6, msg(1, msg(5, deep)))
	}
	for name, file := range map[string][]byte{
		"json": []byte(`{"learner": {}}`), "text": []byte("tree\nversion=v4\n"), "cut off": msg(7, msg(5, number(1, 3)))[:3],
		"deep": msg(7, msg(1, msg(5, deep))),
	} {
		_, err := Backend{Path: "none"}.Load(context.Background(), model.NewArtifact(name, file), model.Options{})
		var u *model.UnsupportedError
		if !errors.As(err, &u) || u.Backend != "ort" || strings.Contains(err.Error(), "without ONNX Runtime") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestAbsent wants a reason and no more where there is no library, in every program.
func TestAbsent(t *testing.T) {
	b, err := os.ReadFile("../onnx/testdata/mlp_binary.onnx")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Backend{Path: "/nowhere/libonnxruntime.so"}.Load(context.Background(), model.NewArtifact("mlp", b), model.Options{})
	var u *model.UnsupportedError
	if !errors.As(err, &u) || !strings.Contains(err.Error(), "any model, without ONNX Runtime") {
		t.Errorf("%v", err)
	}
}
