package docs

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/millrace/millrace/sql/parser"
)

// A block fenced as grammar shows how something is written. Words in upper case, signs and texts in quotes stand for themselves; [ ] may be
// left out, { } is one of several, and x, ... is one x or more. A word in lower case is explained by a line of the block that begins with
// it and a colon, or is one of these.
var samples = map[string]string{
	"name": "a", "alias": "b", "column": "c", "field": "f", "type": "BIGINT", "expression": "c + 1", "condition": "c > 1", "value": "'x'",
	"property": "KAFKA_TOPIC", "topic": "`t`", "subject": "`t-value`", "n": "7", "unit": "SECONDS", "query-id": "q", "function": "LCASE",
	"query": "SELECT c FROM a WHERE c > 1", "source": "a", "statement": "DROP STREAM a", "text": "x", "model": "m", "constant": "1",
	"parameter": "x", "join": "JOIN b ON a.c = b.c", "window": "WINDOW TUMBLING (SIZE 7 SECONDS)",
}

// places say where something that is no statement may stand. % is its place.
var places = map[string]string{
	"window": "SELECT COUNT(*) FROM a % GROUP BY c EMIT CHANGES;", "join": "SELECT * FROM a % EMIT CHANGES;", "type": "CREATE TYPE t AS %;",
	"operation": "SELECT % FROM a;", "test": "SELECT c FROM a WHERE %;", "lambda": "SELECT TRANSFORM(c, %) FROM a;",
	"select": "CREATE STREAM b AS %;", "with": "CREATE STREAM b %;",
}

// TestGrammars makes statements of the grammars on the pages, by chance, and lets the parser read them.
func TestGrammars(t *testing.T) {
	blocks := 0
	for _, path := range pages(t) {
		for _, f := range fences(read(t, path)) {
			if f.lang != "grammar" {
				continue
			}
			blocks++
			g := grammar{rules: map[string]node{}, random: rand.New(rand.NewPCG(1, uint64(f.line)))}
			statements, err := g.read(f.text)
			if err != nil {
				t.Errorf("%s:%d: %v", path, f.line, err)
				continue
			}
			for _, s := range statements {
				for range 100 {
					sql := g.write(s, 0)
					if _, err := parser.ParseWith(sql, parser.Options{Test: true}); err != nil || g.err != nil {
						t.Errorf("%s:%d: %s\n%v %v", path, f.line, sql, err, g.err)
						break
					}
				}
			}
		}
	}
	if blocks < 30 {
		t.Errorf("only %d grammars found: the search is broken", blocks)
	}
}

// node is a part of a grammar: text that stands for itself, a word that is explained elsewhere, or several parts of a kind.
type node struct {
	kind  byte // '\'' text, 'w' word, ' ' in a row, '|' one of, '[' optional, '+' repeated with commas
	text  string
	parts []node
}

type grammar struct {
	rules  map[string]node
	random *rand.Rand
	toks   []string
	err    error
}

var (
	ruleHead  = regexp.MustCompile(`(?m)^([a-z-]+):`)
	grammarWd = regexp.MustCompile(`'[^']*'|\.\.\.|[A-Za-z][A-Za-z_-]*|[0-9]+|->|=>|:=|\|\||<>|!=|<=|>=|\S`)
)

// read takes the statements of a block, and its rules. A block without a statement is tried in the places of its rules.
func (g *grammar) read(text string) ([]node, error) {
	heads := ruleHead.FindAllStringSubmatchIndex(text, -1)
	end := len(text)
	if len(heads) > 0 {
		end = heads[0][0]
	}
	var out []node
	for s := range strings.SplitSeq(text[:end], ";") {
		if strings.TrimSpace(s) == "" {
			continue
		}
		n, err := g.parse(s)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	for i, h := range heads {
		end := len(text)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		n, err := g.parse(text[h[1]:end])
		if err != nil {
			return nil, err
		}
		name := text[h[2]:h[3]]
		g.rules[name] = n
		if before, after, ok := strings.Cut(places[name], "%"); ok {
			out = append(out, node{kind: ' ', parts: []node{{kind: '\'', text: before}, n, {kind: '\'', text: after}}})
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("there is nothing to try in the block")
	}
	return out, nil
}

func (g *grammar) parse(text string) (node, error) {
	g.toks = grammarWd.FindAllString(text, -1)
	n, err := g.choice("")
	if err == nil && len(g.toks) > 0 {
		err = fmt.Errorf("%s too many", g.toks[0])
	}
	return n, err
}

// choice reads rows with | between them, up to the bracket that closes them.
func (g *grammar) choice(closing string) (node, error) {
	out := node{kind: '|', parts: []node{{kind: ' '}}}
	for len(g.toks) > 0 {
		row := &out.parts[len(out.parts)-1]
		tok := g.toks[0]
		if tok == closing {
			break
		}
		g.toks = g.toks[1:]
		switch {
		case tok == "|":
			out.parts = append(out.parts, node{kind: ' '})
		case tok == "[" || tok == "{":
			n, err := g.choice(map[string]string{"[": "]", "{": "}"}[tok])
			if err != nil {
				return n, err
			}
			if len(g.toks) == 0 {
				return n, fmt.Errorf("%s is not closed", tok)
			}
			g.toks = g.toks[1:]
			if tok == "[" {
				n = node{kind: '[', parts: []node{n}}
			}
			row.parts = append(row.parts, n)
		case tok == "...":
			last := len(row.parts) - 2
			if last < 0 || row.parts[last+1].text != "," {
				return out, fmt.Errorf("... stands behind a comma")
			}
			row.parts = append(row.parts[:last], node{kind: '+', parts: []node{row.parts[last]}})
		case tok == strings.ToLower(tok) && tok[0] >= 'a' && tok[0] <= 'z':
			row.parts = append(row.parts, node{kind: 'w', text: tok})
		default:
			row.parts = append(row.parts, node{kind: '\'', text: tok})
		}
	}
	return out, nil
}

// deepest is how far rules that explain themselves by themselves are followed.
const deepest = 6

func (g *grammar) write(n node, depth int) string {
	switch n.kind {
	case '\'':
		return n.text
	case 'w':
		rule, ok := g.rules[n.text]
		sample, known := samples[n.text]
		switch {
		case ok && (depth < deepest || !known):
			return g.write(rule, depth+1)
		case known:
			return sample
		}
		g.err = fmt.Errorf("%s is explained nowhere", n.text)
		return n.text
	case '|':
		return g.write(n.parts[g.random.IntN(len(n.parts))], depth)
	case '[':
		if g.random.IntN(2) == 0 {
			return ""
		}
		return g.write(n.parts[0], depth)
	case '+':
		out := g.write(n.parts[0], depth)
		for g.random.IntN(3) == 0 {
			out += ", " + g.write(n.parts[0], depth)
		}
		return out
	}
	var out []string
	for _, p := range n.parts {
		if s := g.write(p, depth); s != "" {
			out = append(out, s)
		}
	}
	return strings.Join(out, " ")
}
