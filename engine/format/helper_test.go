package format

import (
	"errors"
	"reflect"
	"testing"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

func col(name string, t *types.Type) Column { return Column{Name: name, Type: t} }

// columns gives each column its own vector, in order.
func columns(cols ...Column) ([]Column, []*vector.Vector) {
	var dest []*vector.Vector
	for i := range cols {
		if cols[i].Target == Skip {
			continue
		}
		cols[i].Target = len(dest)
		dest = append(dest, vector.New(cols[i].Type))
	}
	return cols, dest
}

func decoder(t testing.TB, f plan.Format, cols []Column, opts Options) Decoder {
	t.Helper()
	d, err := NewDecoder(f, cols, opts)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func encoder(t testing.TB, f plan.Format, cols []Column, opts Options) Encoder {
	t.Helper()
	e, err := NewEncoder(f, cols, opts)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// one decodes a payload into a single column of the type.
func one(t testing.TB, f plan.Format, typ *types.Type, payload string, opts Options) (any, error) {
	t.Helper()
	cols, dest := columns(col("V", typ))
	if err := decoder(t, f, cols, opts).Decode([]byte(payload), dest); err != nil {
		if n := dest[0].Len(); n != 0 {
			t.Errorf("%q: %d elements left by a failed decode", payload, n)
		}
		return nil, err
	}
	if n := dest[0].Len(); n != 1 {
		t.Fatalf("%q: %d elements", payload, n)
	}
	return dest[0].Value(0), nil
}

// row encodes boxed values.
func row(t testing.TB, f plan.Format, cols []Column, opts Options, values ...any) string {
	t.Helper()
	cols, vecs := columns(cols...)
	for i, v := range values {
		vecs[i].Append(v)
	}
	out, err := encoder(t, f, cols, opts).Append(nil, vecs, 0)
	if errors.Is(err, ErrNull) {
		return "<null>"
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func dec(s string) types.Decimal {
	d, err := types.ParseDecimal(s)
	if err != nil {
		panic(err)
	}
	return d
}

// same compares boxed values, decimals by their text so that the scale counts.
func same(a, b any) bool {
	da, oka := a.(types.Decimal)
	db, okb := b.(types.Decimal)
	if oka && okb {
		return da.String() == db.String()
	}
	return reflect.DeepEqual(a, b)
}
