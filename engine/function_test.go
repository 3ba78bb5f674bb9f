package engine_test

import (
	"testing"

	"github.com/millrace/millrace/engine"
)

// TestEveryFunctionTellsItsType: also where the type is computed, something is said of it.
func TestEveryFunctionTellsItsType(t *testing.T) {
	r := newRig(t)
	returns := map[string][]string{}
	for _, f := range r.must("SHOW FUNCTIONS;")[0].Body.(engine.FunctionNames).Functions {
		for _, o := range r.must("DESCRIBE FUNCTION " + f.Name + ";")[0].Body.(engine.FunctionDescription).Functions {
			if o.ReturnType == "" {
				t.Errorf("%s%v says nothing of its type", f.Name, o.Arguments)
			}
			returns[f.Name] = append(returns[f.Name], o.ReturnType)
		}
	}
	for name, want := range map[string]string{"COUNT": "BIGINT", "ABS": "DECIMAL, by the arguments", "LCASE": "STRING"} {
		list := returns[name]
		if len(list) == 0 || list[len(list)-1] != want {
			t.Errorf("%s gives %q, want %q", name, list, want)
		}
	}
}
