package parser

// clauseWords are the words that people mistype inside a statement.
var clauseWords = []string{
	"SELECT", "FROM", "WHERE", "GROUP", "HAVING", "PARTITION", "WINDOW", "TUMBLING", "HOPPING", "SESSION", "EMIT",
	"CHANGES", "FINAL", "LIMIT", "JOIN", "INNER", "LEFT", "RIGHT", "OUTER", "WITHIN", "BETWEEN", "DISTINCT", "ORDER",
	"UNION", "STREAM", "TABLE", "MODEL", "CONNECTOR", "VALUES", "WITH", "EXISTS", "PRIMARY", "HEADERS", "EXTENDED",
	"GRACE", "PERIOD", "ADVANCE", "RETENTION", "BEGINNING", "REPLACE", "INSERT",
}

// nearest returns the candidate that is at most a third of word's letters away, or "".
func nearest(word string, candidates []string) string {
	best, found := len(word)/3+1, ""
	if len(word) < 3 || len(word) > 40 {
		return ""
	}
	for _, c := range candidates {
		if d := distance(word, c); d < best {
			best, found = d, c
		}
	}
	return found
}

// distance is the number of letters to insert, delete, replace, or exchange with a neighbour, that makes b of a
// (optimal string alignment).
func distance(a, b string) int {
	var before []int
	prev, row := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, prev, row = prev, row, make([]int, len(b)+1)
	}
	return prev[len(b)]
}
