package command

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/sql/plan"
)

// TestStoredQuery reads a query as release 1 wrote it, with the names of its state; a later release may add what does not matter to this one,
// and is refused where it says that it does.
func TestStoredQuery(t *testing.T) {
	b, err := os.ReadFile("testdata/format_v2_query.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"as it is":              string(b),
		"with what is new":      strings.Replace(string(b), `"format": 2`, `"format": 2, "signed": "by whom"`, 1),
		"with news of a query":  strings.Replace(string(b), `"models": 7`, `"models": 7, "colour": {"red": 1}`, 1),
		"replaced":              strings.NewReplacer(`"format": 2`, `"format": 3`, `"models": 7`, `"models": 7, "kept": {"models": {"M": 4}}`).Replace(string(b)),
		"without names, before": strings.Replace(string(b), `"ids"`, `"not yet"`, 1),
	} {
		c, err := Unmarshal([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		q := c.Changes[0].Query
		def, err := q.Definition()
		if err != nil || plan.IDOf(def.Plan) != "source-1" || q.Models != 7 || !slices.Equal(q.Start["s"], []int64{4, 0}) {
			t.Errorf("%s: %+v, %+v, %v", name, q, def, err)
		}
		if name == "replaced" && q.Kept.Models["M"] != 4 {
			t.Errorf("%s: %+v", name, q.Kept)
		}
		if back, err := c.Marshal(); err != nil || c.Format != strings.Count(text, `"kept"`)+2 || !strings.Contains(string(back), `"models":7`) {
			t.Errorf("%s: written again it is %s, %v", name, back, err)
		}
		switch known := !strings.HasPrefix(name, "without"); {
		case !known && q.IDs != nil:
			t.Errorf("%s: names %v", name, q.IDs)
		case known && (!maps.Equal(q.IDs.Stores, map[string]string{"aggregate-1/": "aggregate-1"}) || len(q.IDs.Topics) != 1):
			t.Errorf("%s: names %v", name, q.IDs)
		}
	}
	for text, word := range map[string]string{
		strings.Replace(string(b), `"format": 2`, `"format": 4`, 1):        "reads up to 3",
		`{"format":4,"changes":"in another form"}`:                         "reads up to 3",
		strings.Replace(string(b), `"format": 2,`, ``, 1):                  "no format version",
		strings.Replace(string(b), `"put-query"`, `"put-window"`, 1):       "put-window",
		`{"format":2,"changes":[{"kind":"put-query","query":{"plan":7}}]}`: "",
	} {
		c, err := Unmarshal([]byte(text))
		if err == nil && word == "" {
			_, err = c.Changes[0].Query.Definition()
		}
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s\n%v", text, err)
		}
	}
}
