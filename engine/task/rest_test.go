package task

import (
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/sql/plan"
)

// TestRest: a task that rests after every commit writes what one does that never rests, also where rows of one input wait for the other.
func TestRest(t *testing.T) {
	for what, root := range map[string]func() plan.Node{"join": joinPlan, "windows": windowPlan} {
		var got [2][]string
		for i, rests := range []bool{false, true} {
			task := newTask(t, root(), Options{MaxIdle: time.Hour})
			for n := range int64(20) {
				add(t, task, "s", n+1, true, rec(n, 10*n, int(n)))
				if what == "join" && n%3 == 0 {
					add(t, task, "t", n+1, n%2 == 0, rec(n, 10*n+5, int(-n)))
				}
				got[i] = append(got[i], process(t, task, time.Time{}))
				if !rests {
					continue
				}
				if err := task.Rest(); err != nil {
					t.Fatal(err)
				}
				if cap(task.out.Records) > 0 {
					t.Errorf("%s: a task that rests keeps memory for outputs", what)
				}
			}
		}
		if a, b := strings.Join(got[0], "\n"), strings.Join(got[1], "\n"); a != b || strings.Count(a, "@") < 10 {
			t.Errorf("%s: without rests\n%s\nand with\n%s", what, a, b)
		}
	}
}
