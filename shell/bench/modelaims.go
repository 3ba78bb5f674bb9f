package bench

import (
	"fmt"
	"io"
	"strings"

	"github.com/millrace/millrace/udf/model"
	"github.com/millrace/millrace/udf/model/native"
)

// What scoring is to reach: how many times as fast as ONNX Runtime called directly, and how much longer than the bare scorer PREDICT takes.
const (
	aimTrees    = 4
	aimNetworks = 1 / 1.5
	aimPredict  = 0.15
)

// modelAims collects, aim by aim, what met it and what did not.
type modelAims struct{ list []*modelAim }

type modelAim struct {
	name   string
	met    int
	missed []string
}

func (a *modelAims) note(aim string, met bool, what string) {
	for _, one := range a.list {
		if one.name == aim {
			one.note(met, what)
			return
		}
	}
	one := &modelAim{name: aim}
	one.note(met, what)
	a.list = append(a.list, one)
}

func (a *modelAim) note(met bool, what string) {
	if met {
		a.met++
		return
	}
	a.missed = append(a.missed, what)
}

// ratio notes direct/native for what a file's operators make it.
func (a *modelAims) ratio(file []byte, what string, ratio float64) {
	what = fmt.Sprintf("%s: %.2f", what, ratio)
	switch modelKind(file) {
	case "trees":
		a.note(fmt.Sprintf("trees: direct/native at least %d", aimTrees), ratio >= aimTrees, what)
	case "network":
		a.note(fmt.Sprintf("dense networks: direct/native at least %.2f", aimNetworks), ratio >= aimNetworks, what)
	}
}

// write prints a line for each aim.
func (a *modelAims) write(w io.Writer) error {
	for _, one := range a.list {
		line := fmt.Sprintf("aim: %s: met %d of %d", one.name, one.met, one.met+len(one.missed))
		if len(one.missed) > 0 {
			line += "; not by " + strings.Join(one.missed, ", ")
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

// modelKind is "trees" for a file that has trees, "network" for one of dense layers alone, and "" for any other.
func modelKind(file []byte) string {
	format, facts, err := native.Facts(file, model.DefaultMaxBytes)
	if err != nil {
		return ""
	}
	if format != native.ONNX {
		return "trees"
	}
	kind := ""
	for _, f := range facts {
		if f.Name != "operators" {
			continue
		}
		for op := range strings.FieldsSeq(f.Value) {
			switch op[strings.LastIndexByte(op, '.')+1:] { // without its domain
			case "TreeEnsemble", "TreeEnsembleRegressor", "TreeEnsembleClassifier":
				return "trees"
			case "Gemm", "MatMul":
				kind = "network"
			case "Conv", "LSTM", "GRU", "RNN", "TfIdfVectorizer":
				return ""
			}
		}
	}
	return kind
}
