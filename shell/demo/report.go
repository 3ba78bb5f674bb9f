package demo

import (
	"fmt"
	"io"
	"math"
	"slices"
)

// scored is one row of the live query.
type scored struct {
	id        string
	label     string
	malignant float64 // probability
}

// tally collects scores as they come.
type tally struct {
	data    map[string]*biopsy
	scores  map[string]float64
	doubled int
	correct int
	largest float64 // difference from scikit-learn
}

func newTally(d *dataset) *tally {
	t := &tally{data: map[string]*biopsy{}, scores: map[string]float64{}}
	for i := range d.rows {
		t.data[d.rows[i].id] = &d.rows[i]
	}
	return t
}

func (t *tally) add(s scored) error {
	b, ok := t.data[s.id]
	if !ok {
		return fmt.Errorf("a score came for biopsy %s, which was not played", s.id)
	}
	if _, again := t.scores[s.id]; again {
		t.doubled++
		return nil
	}
	t.scores[s.id] = s.malignant
	if s.label == b.diagnosis() {
		t.correct++
	}
	t.largest = math.Max(t.largest, math.Abs(s.malignant-b.predicted))
	if math.IsNaN(s.malignant) {
		t.largest = math.Inf(1)
	}
	return nil
}

func (t *tally) accuracy() float64 { return float64(t.correct) / float64(max(len(t.scores), 1)) }

// auc is the area under the ROC curve by the Mann-Whitney statistic: the chance that a malignant biopsy scores higher than a
// benign one, ties counting half.
func (t *tally) auc() float64 {
	var positive, negative []float64
	for id, s := range t.scores {
		if t.data[id].malignant {
			positive = append(positive, s)
		} else {
			negative = append(negative, s)
		}
	}
	if len(positive) == 0 || len(negative) == 0 {
		return math.NaN()
	}
	slices.Sort(negative)
	var wins float64
	for _, p := range positive {
		below, _ := slices.BinarySearch(negative, p)
		above, _ := slices.BinarySearchFunc(negative, p, func(e, target float64) int {
			if e > target {
				return 1
			}
			return -1
		})
		wins += float64(below) + float64(above-below)/2
	}
	return wins / float64(len(positive)*len(negative))
}

func (t *tally) print(w io.Writer, d *dataset) {
	fmt.Fprintf(w, "\nrows scored: %d of %d (the model was trained on the other %d of %d)\n", len(t.scores), len(d.rows), d.total-len(d.rows), d.total)
	fmt.Fprintf(w, "accuracy: %.4f\n", t.accuracy())
	fmt.Fprintf(w, "AUC: %.4f\n", t.auc())
	fmt.Fprintf(w, "max |difference| from scikit-learn: %.3g\n", t.largest)
}

// confusion is the windowed table, summed over its windows for the last lines.
type confusion struct {
	rows  []confusionRow
	total int64
}

type confusionRow struct {
	actual, predicted, window string
	count                     int64
}

func (c *confusion) print(w io.Writer) {
	fmt.Fprintln(w, "\nconfusion counts, one-minute windows (a table kept by SQL, read by a pull query):")
	fmt.Fprintf(w, "  %-18s %-10s %-10s %s\n", "window", "actual", "predicted", "biopsies")
	slices.SortFunc(c.rows, func(a, b confusionRow) int {
		for _, pair := range [][2]string{{a.window, b.window}, {a.actual, b.actual}, {a.predicted, b.predicted}} {
			if pair[0] != pair[1] {
				if pair[0] < pair[1] {
					return -1
				}
				return 1
			}
		}
		return 0
	})
	for _, r := range c.rows {
		fmt.Fprintf(w, "  %-18s %-10s %-10s %d\n", r.window, r.actual, r.predicted, r.count)
	}
}
