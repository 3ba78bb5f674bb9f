package plan_test

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
)

func TestRoundTrip(t *testing.T) {
	for seed := range uint64(200) {
		r := &random{Rand: rand.New(rand.NewPCG(seed, 1))}
		n := r.node(r.IntN(5))
		data, err := plan.Marshal(n)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		back, err := plan.Unmarshal(data)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, data)
		}
		if !reflect.DeepEqual(n, back) {
			t.Fatalf("seed %d: another plan came back\n%s\n%s", seed, plan.Explain(n), plan.Explain(back))
		}
		again, err := plan.Marshal(back)
		if err != nil || string(again) != string(data) {
			t.Fatalf("seed %d: encoded anew it differs: %v\n%s\n%s", seed, err, data, again)
		}
	}
}

// TestFixtures loads what released versions wrote. A file there is never changed: a new version gets a new one.
//
//	load   an encoded plan; shows it
//	fail   one that must be refused; shows why
func TestFixtures(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			n, err := plan.Unmarshal([]byte(d.Input))
			switch {
			case d.Cmd == "load" && err != nil, d.Cmd == "fail" && err == nil:
				t.Fatalf("%s: %s: %v", d.Pos, d.Cmd, err)
			case err != nil:
				return err.Error() + "\n"
			}
			return plan.Explain(n)
		})
	})
}

// TestDeep: a plan nested without end is an error, not the end of the process.
func TestDeep(t *testing.T) {
	deep := `{"version":1,"plan":` + strings.Repeat(`{"is":"filter","ID":"f","Input":`, 3000) + `{}` + strings.Repeat("}", 3001)
	if _, err := plan.Unmarshal([]byte(deep)); err == nil || !strings.Contains(err.Error(), "deep") {
		t.Fatalf("got %v", err)
	}
}

// TestRewrite: rewriting makes a new plan and leaves the old one.
func TestRewrite(t *testing.T) {
	col := &plan.Column{Index: 0, Name: "A", T: types.Int}
	src := &plan.Source{Base: plan.Base{ID: "source-1", Out: []plan.OutColumn{{Name: "A", Type: types.Int}}}, Name: "S"}
	f := &plan.Filter{Base: plan.Base{ID: "filter-1", Out: src.Out}, Input: src, Predicate: &plan.IsNull{Expr: col}}
	n := plan.Rewrite(f, func(n plan.Node) plan.Node {
		return plan.MapExprs(n, func(e plan.Expr) plan.Expr {
			return plan.RewriteExpr(e, func(e plan.Expr) plan.Expr {
				if e == plan.Expr(col) {
					return &plan.Literal{Value: int32(1), T: types.Int}
				}
				return e
			})
		})
	})
	if got := n.(*plan.Filter).Predicate.String(); got != "(1 IS NULL)" {
		t.Errorf("rewritten: %s", got)
	}
	if got := f.Predicate.String(); got != "(A IS NULL)" {
		t.Errorf("the original changed: %s", got)
	}
}

// TestHostile: whatever a stored plan was turned into, it is a plan that prints, or an error.
func TestHostile(t *testing.T) {
	r := &random{Rand: rand.New(rand.NewPCG(7, 7))}
	for range 100 {
		data, err := plan.Marshal(r.node(2))
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			broken := mutate(r.Rand, data)
			if n, err := plan.Unmarshal(broken); err == nil {
				_ = plan.Explain(n)
				_ = n.IsTable()
			}
		}
	}
}

// mutate changes a byte, drops a piece, or repeats one.
func mutate(r *rand.Rand, data []byte) []byte {
	i := r.IntN(len(data))
	j := min(len(data), i+r.IntN(40))
	switch r.IntN(3) {
	case 0:
		out := append([]byte{}, data...)
		out[i] = `{}[]",:0129ntf`[r.IntN(14)]
		return out
	case 1:
		return append(append([]byte{}, data[:i]...), data[j:]...)
	}
	return append(append([]byte{}, data[:j]...), data[i:]...)
}
