package lightgbm

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/millrace/millrace/udf/model/boost"
)

// header is what stands before the first tree.
type header struct {
	objective string
	names     []string
	scores    int  // trees an iteration
	average   bool // a random forest
}

// lines hands out a text line by line.
type lines struct{ rest []byte }

// next is the next line, without its end; false after the last.
func (l *lines) next() (string, bool) {
	if len(l.rest) == 0 {
		return "", false
	}
	line, rest, _ := bytes.Cut(l.rest, []byte("\n"))
	l.rest = rest
	return string(bytes.TrimSuffix(line, []byte("\r"))), true
}

// readHeader reads up to the first empty line and returns what follows.
func readHeader(b []byte) (h header, rest *lines, err error) {
	rest = &lines{b}
	last := -1
	for {
		line, ok := rest.next()
		if !ok {
			return h, nil, errors.New("the file is cut off in its header")
		}
		if line == "" {
			break
		}
		switch key, value, _ := strings.Cut(line, "="); key {
		case "objective":
			h.objective = value
		case "feature_names":
			if strings.Count(value, " ") >= boost.MaxFeatures {
				return h, nil, fmt.Errorf("more than %d features", boost.MaxFeatures)
			}
			h.names = strings.Fields(value)
		case "average_output":
			h.average = true
		case "num_tree_per_iteration":
			if h.scores, err = strconv.Atoi(value); err != nil {
				return h, nil, fmt.Errorf("num_tree_per_iteration: %w", err)
			}
		case "max_feature_idx":
			if last, err = strconv.Atoi(value); err != nil {
				return h, nil, fmt.Errorf("max_feature_idx: %w", err)
			}
		}
	}
	if last != len(h.names)-1 || last < 0 {
		return h, nil, fmt.Errorf("%d feature names, but the last feature is number %d", len(h.names), last)
	}
	if h.scores < 1 || h.scores > boost.MaxScores {
		return h, nil, fmt.Errorf("%d trees an iteration", h.scores)
	}
	return h, rest, nil
}

// numbers reads a list of numbers that must have n.
func numbers[T any](name, text string, n int, parse func(string) (T, error)) ([]T, error) {
	if got := strings.Count(text, " ") + 1; got != n && (n != 0 || text != "") {
		return nil, fmt.Errorf("%s has %d numbers, want %d", name, got, n)
	}
	list := make([]T, 0, n)
	for s := range strings.SplitSeq(text, " ") {
		if n == 0 {
			break
		}
		v, err := parse(s)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		list = append(list, v)
	}
	return list, nil
}

func parseInt(s string) (int, error) {
	v, err := strconv.ParseInt(s, 10, 64)
	return int(v), err
}

func parseWord(s string) (uint32, error) {
	v, err := strconv.ParseUint(s, 10, 32)
	return uint32(v), err
}

func parseFloat(s string) (float64, error) { return strconv.ParseFloat(s, 64) }
