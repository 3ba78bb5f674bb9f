package shell

import (
	"slices"
	"strings"

	"github.com/mattn/go-runewidth"
)

// completer offers keywords, local commands and the server's names. It appends only, so it follows the case that was typed.
type completer struct {
	names func() []string // of streams, tables, models and functions
	width func() int      // of the screen
}

// maxCandidates keeps a menu on the screen.
const maxCandidates = 60

// Do implements readline.AutoCompleter: it returns what could follow the word before pos, and the length of that word.
func (c completer) Do(line []rune, pos int) ([][]rune, int) {
	start := pos
	for start > 0 && (isWordRune(line[start-1]) || line[start-1] == '@' || line[start-1] == '\\') {
		start--
	}
	prefix := string(line[start:pos])
	if prefix == "" {
		return nil, 0
	}
	var words []string
	for _, list := range [][]string{c.names(), keywords, commandWords(start == 0)} {
		words = append(words, list...)
	}
	slices.Sort(words)
	var out [][]rune
	for _, w := range slices.Compact(words) {
		if len(w) < len(prefix) || !strings.EqualFold(w[:len(prefix)], prefix) {
			continue
		}
		// readline v1.5.1 divides by zero over a candidate as wide as the screen.
		if runewidth.StringWidth(w)+2 > c.width() || len(out) == maxCandidates {
			continue
		}
		rest := w[len(prefix):]
		if prefix == strings.ToLower(prefix) {
			rest = strings.ToLower(rest)
		}
		out = append(out, []rune(rest))
	}
	return out, pos - start
}

func commandWords(atStart bool) []string {
	if !atStart {
		return nil
	}
	var out []string
	for _, c := range commands {
		out = append(out, c.names[0])
	}
	return out
}

// keywords are the words of the language, for completion and colors.
var keywords = strings.Fields(`ADD ALL ALTER AND ARRAY AS ASSERT BEGINNING BETWEEN BIGINT BOOLEAN BY BYTES CASE CAST CHANGES CREATE DATE
	DAYS DECIMAL DEFINE DELETE DESCRIBE DISTINCT DOUBLE DROP ELSE EMIT END EXISTS EXPLAIN EXTENDED FALSE FINAL FORMAT FROM FULL FUNCTION
	FUNCTIONS GRACE GROUP HAVING HEADER HEADERS HOPPING HOURS IF IN INNER INSERT INT INTEGER INTO IS JOIN KAFKA_TOPIC KEY KEY_FORMAT LANGUAGE LEFT
	LIKE LIMIT LIST MAP MILLISECONDS MINUTES MODEL MODELS NOT NULL ON OR ORDER OUTER OVER PARTITION PARTITIONS PAUSE PERIOD PREDICT PRIMARY
	PRINT PROPERTIES QUERIES REPLACE REPLICAS RESUME RETENTION RETURNS RIGHT RUN SCRIPT SECONDS SELECT SESSION SET SHOW SIZE SOURCE STREAM STREAMS
	STRING STRUCT TABLE TABLES TERMINATE THEN TIME TIMESTAMP TOPIC TOPICS TRUE TUMBLING TYPE TYPES UNDEFINE UNION UNSET URI VALUES
	VALUE_FORMAT VARCHAR VARIABLES WASM WHEN WHERE WINDOW WITH WITHIN`)
