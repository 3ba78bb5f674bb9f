package command

import (
	"fmt"
	"os"
	"testing"

	"github.com/millrace/millrace/sql/catalog"
)

// TestFormats reads commands of models as every release wrote them, in the order of a log.
func TestFormats(t *testing.T) {
	cat := &catalog.Catalog{}
	for offset, name := range []string{"format_v1_model", "format_v2_version", "format_v2_rollout", "format_v2_retire"} {
		b, err := os.ReadFile("testdata/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		c, err := Unmarshal(b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if cat, err = c.Apply(cat, int64(offset)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	m, ok := cat.Model("FRAUD")
	if !ok || len(m.Versions) != 2 || m.Versions[0].URI != "fraud.onnx" || m.Versions[0].Retired || !m.Versions[1].Retired {
		t.Fatalf("the model is %+v", m)
	}
	for at, want := range map[int64]string{0: "[1]", 1: "[1]", 2: "[1]", 3: "[1 2 3]", 4: "[1 2 3]"} {
		if got := fmt.Sprint(m.RolloutAt(at).Versions()); got != want {
			t.Errorf("below offset %d version %s score, want %s", at, got, want)
		}
	}
	if r := m.Rollout(); r.Since != 2 || r.By != "USER_ID" || r.Active != 1 {
		t.Errorf("the rollout is %+v", r)
	}
	for _, bad := range []string{
		`{"format":4,"changes":[]}`, `{"format":0,"changes":[]}`, `{"format":2,"changes":[{"kind":"roll-out-model","name":"M"}]}`,
		`{"format":2,"changes":[{"kind":"drop-model-version","name":"M"}]}`,
	} {
		if _, err := Unmarshal([]byte(bad)); err == nil {
			t.Errorf("%s was read", bad)
		}
	}
}
