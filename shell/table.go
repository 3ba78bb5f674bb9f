package shell

import (
	"bufio"
	"slices"
	"strings"

	"github.com/mattn/go-runewidth"
)

// table draws rows in columns. It holds back the first screenful, or what comes within the latency of the stream, to see how wide columns
// are; from then on the widths stay, and a wider value takes several lines of its column.
type table struct {
	w      *bufio.Writer
	screen Screen
	cols   []column
	widths []int
	held   [][]string
	drawn  bool // the head is
	live   bool
}

// noScreen is how many rows are looked at where there is no screen.
const noScreen = 100

func newTable(w *bufio.Writer, screen Screen, cols []column, live bool) *table {
	return &table{w: w, screen: screen, cols: cols, live: live}
}

func (t *table) row(cells []cell) error {
	texts := make([]string, len(t.cols))
	for i := range texts {
		if i < len(cells) {
			texts[i] = printable(cells[i].shown())
		}
	}
	if t.drawn {
		return t.draw(texts)
	}
	t.held = append(t.held, texts)
	if len(t.held) >= t.screenful() {
		return t.flush()
	}
	return nil
}

func (t *table) screenful() int {
	if t.screen.Size == nil {
		return noScreen
	}
	_, height := t.screen.Size()
	return max(height-3, 10)
}

func (t *table) flush() error {
	if t.drawn {
		return nil
	}
	t.drawn = true
	t.settle()
	if err := t.head(); err != nil {
		return err
	}
	for _, texts := range t.held {
		if err := t.draw(texts); err != nil {
			return err
		}
	}
	t.held = nil
	return nil
}

func (t *table) end() error { return t.flush() }

// settle chooses the widths: as wide as name and values seen, for a live result also what values of the type usually need; if that
// is more than the screen has, the widest columns give way.
func (t *table) settle() {
	t.widths = make([]int, len(t.cols))
	for i, c := range t.cols {
		w := max(runewidth.StringWidth(printable(c.name)), 1)
		if t.live {
			w = max(w, usualWidth(c.typ))
		}
		for _, row := range t.held {
			w = max(w, runewidth.StringWidth(row[i]))
		}
		t.widths[i] = w
	}
	if t.screen.Size == nil || len(t.cols) == 0 {
		return
	}
	screen, _ := t.screen.Size()
	room := screen - 3*len(t.cols) + 1 // " | " between columns, a space at both ends
	for sum(t.widths) > room {
		widest := 0
		for i, w := range t.widths {
			if w > t.widths[widest] {
				widest = i
			}
		}
		if t.widths[widest] <= 4 {
			return // too many columns for the screen: let lines wrap
		}
		t.widths[widest]--
	}
}

func sum(n []int) int {
	total := 0
	for _, v := range n {
		total += v
	}
	return total
}

func usualWidth(typ string) int {
	switch typ {
	case "BOOLEAN":
		return 5
	case "INTEGER", "TIME":
		return 8
	case "DATE":
		return 10
	case "BIGINT", "STRING", "DOUBLE":
		return 13
	case "TIMESTAMP":
		return 23
	}
	return 10
}

func (t *table) head() error {
	if len(t.cols) == 0 {
		return nil
	}
	names, rules := make([]string, len(t.cols)), make([]string, len(t.cols))
	for i, c := range t.cols {
		names[i] = printable(c.name)
		rules[i] = strings.Repeat("-", t.widths[i]+2)
	}
	if err := t.draw(names); err != nil {
		return err
	}
	_, err := t.w.WriteString(strings.Join(rules, "+") + "\n")
	return err
}

// draw writes one row, on as many lines as its widest value needs.
func (t *table) draw(texts []string) error {
	parts := make([][]string, len(texts))
	height := 1
	for i, text := range texts {
		parts[i] = []string{text}
		if t.screen.Size != nil {
			parts[i] = fold(text, t.widths[i])
		}
		height = max(height, len(parts[i]))
	}
	for line := range height {
		var b strings.Builder
		for i, p := range parts {
			text := ""
			if line < len(p) {
				text = p[line]
			}
			switch {
			case i > 0:
				b.WriteString(" | ")
			default:
				b.WriteByte(' ')
			}
			if t.cols[i].numeric() {
				b.WriteString(runewidth.FillLeft(text, t.widths[i]))
			} else {
				b.WriteString(runewidth.FillRight(text, t.widths[i]))
			}
		}
		if _, err := t.w.WriteString(strings.TrimRight(b.String(), " ") + "\n"); err != nil {
			return err
		}
	}
	return nil
}

// fold cuts text into pieces that are at most so many cells wide.
func fold(text string, width int) []string {
	if runewidth.StringWidth(text) <= width {
		return []string{text}
	}
	var out []string
	for runewidth.StringWidth(text) > width {
		piece := runewidth.Truncate(text, width, "")
		if piece == "" { // one character is wider than the column
			break
		}
		out = append(out, piece)
		text = text[len(piece):]
	}
	return slices.Clip(append(out, text))
}
