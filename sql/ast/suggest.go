package ast

import (
	"fmt"
	"strings"
)

// Suggest gives the hint "did you mean X?" for the candidate nearest to name, or "" if none is near.
func Suggest(name string, candidates []string) string {
	best := Nearest(name, candidates)
	switch {
	case best == "":
		return ""
	case strings.EqualFold(best, name) && best != strings.ToUpper(best):
		return fmt.Sprintf("did you mean `%s`? names in mixed case must be quoted", best)
	case strings.EqualFold(best, name):
		return fmt.Sprintf("did you mean %s? leave out the quotes", best)
	}
	return "did you mean " + best + "?"
}

// Nearest returns the candidate nearest to name, at most a third of its letters away and whatever the case, or "".
func Nearest(name string, candidates []string) string {
	best, bestDistance := "", max(1, len(name)/3)+1
	for _, c := range candidates {
		if d := distance(strings.ToUpper(name), strings.ToUpper(c), bestDistance); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// distance is the number of edits (insert, delete, replace, swap of neighbors) from a to b, or limit if it is more.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit || len(a) > 200 {
		return limit
	}
	before, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := range len(a) {
		cur[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			cur[j+1] = min(prev[j]+cost, prev[j+1]+1, cur[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				cur[j+1] = min(cur[j+1], before[j-1]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(b)]
}
