package ast

import "strings"

// Reserved says whether word, in upper case, must be quoted to be a name.
func Reserved(word string) bool { return reserved[word] }

var reserved = words(`SELECT DISTINCT FROM WHERE GROUP BY HAVING LIMIT AS ON JOIN LEFT RIGHT INNER OUTER AND OR NOT IN
	LIKE BETWEEN IS NULL TRUE FALSE CASE WHEN THEN ELSE END EXISTS`)

// special words mean something in some places only; String quotes them everywhere, which is easier than knowing where.
var special = words(`ALL ARRAY ASC CAST CROSS DESC EXTENDED FULL IF INTERVAL MAP NATURAL STREAMS STRUCT TABLES WITH
	WITHIN`)

func words(list string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(list) {
		set[w] = true
	}
	return set
}

// plain says whether name reads back as itself without quotes.
func plain(name string) bool {
	for i := range len(name) {
		c := name[i]
		switch {
		case c == '_' || c >= 'A' && c <= 'Z':
		case i > 0 && (c == '@' || c >= '0' && c <= '9'):
		default:
			return false
		}
	}
	return name != "" && !reserved[name] && !special[name]
}
