package onnx

import (
	"errors"
	"fmt"
	"slices"

	"github.com/millrace/millrace/udf/model"
)

// ngrams is a vocabulary of sequences of items as a trie. An item is a word or a number by its place in a table.
type ngrams struct {
	next        map[[2]int32]int32 // from a node by an item; the root is 0
	column      []int32            // by node: where its count goes; -1: it ends no sequence
	least, most int                // items of a sequence
	skips       int                // items left out between two, at most
	width       int                // columns
}

// unknownItem is an item that no sequence has.
const unknownItem = -1

func (g *ngrams) add(items []int32, column int32) error {
	node := int32(0)
	for _, item := range items {
		child, ok := g.next[[2]int32{node, item}]
		if !ok {
			child = int32(len(g.column))
			g.column = append(g.column, -1)
			g.next[[2]int32{node, item}] = child
		}
		node = child
	}
	if g.column[node] >= 0 {
		return errors.New("a sequence appears twice")
	}
	g.column[node] = column
	return nil
}

// steps bounds what one item costs to count: look-ups, which take a while each.
func (g *ngrams) steps() int { return 32 * (g.skips + 1) * g.most }

// count adds the sequences of the items to their columns: of each length, and with each number of items skipped between two.
// Sequences of one item are counted once.
func (g *ngrams) count(dst []float32, items []int32) {
	least := g.least
	for distance := 1; distance <= g.skips+1; distance++ {
		for start := range items {
			node := int32(0)
			for n, at := 1, start; n <= g.most && at < len(items); n, at = n+1, at+distance {
				child, ok := g.next[[2]int32{node, items[at]}]
				if !ok {
					break
				}
				if node = child; n >= least && g.column[node] >= 0 {
					dst[g.column[node]]++
				}
			}
		}
		if least == 1 {
			if least++; least > g.most {
				break
			}
		}
	}
}

// tfIdfVectorizer counts sequences of words or numbers, and weighs the counts.
func tfIdfVectorizer(x *call) error {
	if err := x.arity(1, 1); err != nil {
		return err
	}
	v := x.inputs[0]
	words, numbers := x.texts("pool_strings"), x.ints("pool_int64s")
	if len(words) > 0 && len(numbers) > 0 {
		return errors.New("vocabularies of both types")
	}
	switch {
	case v.kind == model.String && len(numbers) == 0:
		return vectorize(x, v, words)
	case v.kind.IsInt() && len(words) == 0:
		return vectorize(x, v, numbers)
	}
	return fmt.Errorf("a vocabulary of another type than %s", v.kind)
}

func vectorize[T string | int64](x *call, v *value, pool []T) error {
	table := make(map[T]int32)
	items := make([]int32, len(pool))
	for i, w := range pool {
		if _, known := table[w]; !known {
			table[w] = int32(len(table))
		}
		items[i] = table[w]
	}
	g, err := x.vocabulary(items)
	if err != nil {
		return err
	}
	if v.split == nil {
		if err := x.charge(v.size(), g.steps()); err != nil {
			return err
		}
	}
	weigh, err := x.weights(g.width)
	if err != nil {
		return err
	}
	rank := len(v.shape)
	shape := []int{g.width}
	switch {
	case v.split != nil && slices.Contains(v.shape, batch):
		shape = []int{batch, g.width}
	case v.split != nil:
		shape = []int{1, g.width}
	case rank == 2:
		shape = []int{v.shape[0], g.width}
	}
	if rank > 2 && v.split == nil || rank == 1 && v.stacked() && v.split == nil || rank == 2 && v.shape[1] == batch && v.split == nil {
		return uncovered("items %s", shapeText(v.shape))
	}
	out, err := x.output(model.Float32, shape)
	if err != nil {
		return err
	}
	item := func(w T) int32 {
		if i, known := table[w]; known {
			return i
		}
		return unknownItem
	}
	each := v.size() / (out.size() / g.width) // items of one result
	split, _ := any(item).(func(string) int32)
	return x.emit(func(f *frame) error {
		src, dst := data[T](f, v), data[float32](f, out)
		clear(dst)
		list := f.items[:0]
		for at := 0; at*g.width < len(dst); at++ {
			list = list[:0]
			if v.split != nil {
				if n := len(any(src[at]).(string)); n > maxTextBytes {
					return fmt.Errorf("a text of %d bytes", n)
				}
				v.split.each(any(src[at]).(string), func(w string) { list = append(list, split(w)) })
			} else {
				for _, w := range src[at*each:][:each] {
					list = append(list, item(w))
				}
			}
			if len(list) > maxWork/g.steps() {
				return fmt.Errorf("a text of %d words", len(list))
			}
			row := dst[at*g.width:][:g.width]
			g.count(row, list)
			weigh(row)
		}
		f.items = list
		return nil
	})
}

// maxGram bounds the items of a sequence, and those skipped.
const maxGram = 1 << 10

// vocabulary reads the sequences: ngram_counts says where in the pool those of each length begin.
func (x *call) vocabulary(pool []int32) (*ngrams, error) {
	starts, columns := x.ints("ngram_counts"), x.ints("ngram_indexes")
	least, most, skips := x.int("min_gram_length", 1), x.int("max_gram_length", 1), x.int("max_skip_count", 0)
	if least < 1 || most < least || most > maxGram || skips < 0 || skips > maxGram || int64(len(starts)) < most || len(starts) > maxGram || len(columns) == 0 {
		return nil, errors.New("the lengths of sequences")
	}
	if err := x.file.spend(64 * len(pool)); err != nil {
		return nil, err
	}
	g := &ngrams{next: map[[2]int32]int32{}, column: []int32{-1}, least: int(least), most: int(most), skips: int(skips)}
	k := 0
	for i, start := range starts {
		n, end := i+1, int64(len(pool))
		if i+1 < len(starts) {
			end = starts[i+1]
		}
		if start < 0 || end < start || end > int64(len(pool)) || (end-start)%int64(n) != 0 {
			return nil, errors.New("ngram_counts")
		}
		for at := start; at < end; at += int64(n) {
			if k >= len(columns) || columns[k] < 0 || columns[k] >= maxRowElements {
				return nil, errors.New("ngram_indexes")
			}
			column := int32(columns[k])
			k++
			g.width = max(g.width, int(column)+1)
			if n < g.least || n > g.most {
				continue // never counted, but its column exists
			}
			if err := g.add(pool[at:at+int64(n)], column); err != nil {
				return nil, err
			}
		}
	}
	if k != len(columns) {
		return nil, fmt.Errorf("%d sequences, and %d columns", k, len(columns))
	}
	return g, nil
}

// weights says what becomes of the counts of a row.
func (x *call) weights(width int) (func(row []float32), error) {
	mode, list, columns := x.text("mode", ""), x.floats("weights"), x.ints("ngram_indexes")
	if mode == "TF" {
		return func([]float32) {}, nil
	}
	if mode != "IDF" && mode != "TFIDF" {
		return nil, fmt.Errorf("mode %q", mode)
	}
	if list != nil && len(list) != len(columns) {
		return nil, fmt.Errorf("%d weights of %d sequences", len(list), len(columns))
	}
	if err := x.file.spend(4 * width); err != nil {
		return nil, err
	}
	by := make([]float32, width)
	for i := range by {
		by[i] = 1
	}
	for i, w := range list {
		if columns[i] != int64(i) {
			return nil, uncovered("weights of sequences in another order")
		}
		by[i] = w
	}
	return func(row []float32) {
		for i, n := range row {
			if mode == "IDF" {
				n = min(n, 1)
			}
			row[i] = n * by[i]
		}
	}, nil
}
