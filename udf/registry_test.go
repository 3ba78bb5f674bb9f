package udf

import (
	"errors"
	"strings"
	"testing"

	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
)

// named makes a scalar function whose overloads answer with their signature.
func named(name string, signatures ...string) Function {
	f := Function{Name: name, Kind: analyzer.ScalarFunction, Description: "A test."}
	for _, s := range signatures {
		f.Overloads = append(f.Overloads, Overload{Signature: s, Call: func(*Call, []any) (any, error) { return s, nil }})
	}
	return f
}

func args(t *testing.T, text string) []analyzer.Arg {
	t.Helper()
	var out []analyzer.Arg
	for part := range strings.SplitSeq(text, "; ") {
		if part == "" {
			continue
		}
		p, err := types.ParseType(part)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, analyzer.Arg{Type: p})
	}
	return out
}

func TestResolve(t *testing.T) {
	r, err := NewRegistry(
		named("F", "a INT -> INT", "a BIGINT -> BIGINT", "a STRING, rest INT... -> STRING", "a STRING, b INT, rest INT... -> STRING", "a STRING, b INT -> STRING"),
		named("G", "a T, b T -> T", "a STRING, b INT -> STRING", "a ARRAY<T>, b T... -> ARRAY<T>"),
		named("W", "a BIGINT... -> BIGINT", "a DOUBLE... -> DOUBLE"),
		named("M", "a INT, middle STRING..., z INT -> STRING"),
		named("D", "d DECIMAL, s STRUCT, a ANY -> INT", "t TIMESTAMP, u INTERVALUNIT -> DATE"),
	)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, args, signature, params, returns string }{
		{"F", "INTEGER", "a INT -> INT", "INTEGER", "INTEGER"},
		{"F", "null", "", "function.ambiguous", ""},
		{"F", "DECIMAL(4, 2)", "", "function.arguments", ""},
		{"F", "STRING; INTEGER", "a STRING, b INT -> STRING", "STRING; INTEGER", "STRING"},
		{"F", "STRING; INTEGER; INTEGER", "a STRING, b INT, rest INT... -> STRING", "STRING; INTEGER; INTEGER", "STRING"},
		{"F", "STRING", "a STRING, rest INT... -> STRING", "STRING", "STRING"},
		{"G", "STRING; INTEGER", "a STRING, b INT -> STRING", "STRING; INTEGER", "STRING"},
		{"G", "DECIMAL(4, 2); DECIMAL(4, 2)", "a T, b T -> T", "DECIMAL(4, 2); DECIMAL(4, 2)", "DECIMAL(4, 2)"},
		{"G", "DECIMAL(4, 2); DECIMAL(5, 2)", "", "function.arguments", ""},
		{"G", "null; DATE", "a T, b T -> T", "DATE; DATE", "DATE"},
		{"G", "ARRAY<INTEGER>; INTEGER; INTEGER", "a ARRAY<T>, b T... -> ARRAY<T>", "ARRAY<INTEGER>; INTEGER; INTEGER", "ARRAY<INTEGER>"},
		{"W", "BIGINT; BIGINT", "a BIGINT... -> BIGINT", "BIGINT; BIGINT", "BIGINT"},
		{"W", "INTEGER; BIGINT", "", "function.ambiguous", ""},
		{"W", "INTEGER; DOUBLE", "a DOUBLE... -> DOUBLE", "DOUBLE; DOUBLE", "DOUBLE"},
		{"M", "INTEGER; INTEGER", "a INT, middle STRING..., z INT -> STRING", "INTEGER; INTEGER", "STRING"},
		{"M", "INTEGER; STRING; STRING; INTEGER", "a INT, middle STRING..., z INT -> STRING", "INTEGER; STRING; STRING; INTEGER", "STRING"},
		{"M", "INTEGER", "", "function.arguments", ""},
		{"D", "BIGINT; STRUCT<`A` INTEGER>; DATE", "d DECIMAL, s STRUCT, a ANY -> INT", "DECIMAL(19, 0); STRUCT<`A` INTEGER>; DATE", "INTEGER"},
		{"D", "STRING; INTERVALUNIT", "t TIMESTAMP, u INTERVALUNIT -> DATE", "TIMESTAMP; INTERVALUNIT", "DATE"},
		{"D", "DATE; INTEGER", "", "function.arguments", ""},
		{"NONE", "DATE", "", "function.unknown", ""},
	} {
		m, err := r.Resolve(c.name, args(t, c.args))
		var refusal *ast.Error
		if errors.As(err, &refusal) {
			if refusal.Code != c.params {
				t.Errorf("%s(%s): refused with %s: %v", c.name, c.args, refusal.Code, err)
			}
			continue
		}
		if err != nil || c.signature == "" {
			t.Errorf("%s(%s): got %v, %v", c.name, c.args, m, err)
			continue
		}
		params := make([]string, len(m.Params))
		for i, p := range m.Params {
			params[i] = p.String()
		}
		if got := strings.Join(params, "; "); got != c.params || m.Returns.String() != c.returns {
			t.Errorf("%s(%s): (%s) -> %s, want (%s) -> %s", c.name, c.args, got, m.Returns, c.params, c.returns)
		}
		// What a stored plan records finds the same overload.
		f, err := r.Scalar(&plan.Call{Name: c.name, Params: m.Params, T: m.Returns}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if s, _ := f.Eval(nil); s != c.signature {
			t.Errorf("%s(%s): %v, want %s", c.name, c.args, s, c.signature)
		}
	}
}

func TestDeclarationsRefused(t *testing.T) {
	for _, f := range []Function{
		named("f", "a INT -> INT"), named("F", "a INT"), named("F", "a WORD -> INT"), named("F", "a INT b INT -> INT"),
		named("F", "a INT..., b INT... -> INT"), named("F", "a INT init, b INT -> INT"), named("F", "a ARRAY<INT -> INT"), named("F", "INT -> "),
		{Name: "F", Kind: analyzer.TableFunction, Overloads: named("F", "a INT -> INT").Overloads},
	} {
		if _, err := NewRegistry(f); err == nil {
			t.Errorf("%s %q is accepted", f.Name, f.Overloads[0].Signature)
		}
	}
	r, err := NewRegistry(named("F", "a INT -> INT"))
	if err != nil {
		t.Fatal(err)
	}
	more, err := r.With(named("F", "a STRING -> INT"), named("G", "-> INT"))
	if err != nil || len(more.Names()) != 2 || len(r.Names()) != 1 {
		t.Errorf("%v, %v, %v", r.Names(), more.Names(), err)
	}
	if _, err := more.Resolve("F", args(t, "STRING")); err != nil {
		t.Error(err)
	}
	if _, err := r.Resolve("F", args(t, "STRING")); err == nil {
		t.Error("the old registry has changed")
	}
}
