package parser

import (
	"regexp"
	"sort"
	"strconv"
	"strings"
	"sync"

	tidbparser "github.com/pingcap/tidb/pkg/parser"
	tidb "github.com/pingcap/tidb/pkg/parser/ast"
	"github.com/pingcap/tidb/pkg/parser/mysql"

	"github.com/millrace/millrace/sql/ast"
)

// A TiDB parser serves one goroutine at a time.
var pool = sync.Pool{New: func() any {
	p := tidbparser.New()
	p.SetSQLMode(mysql.ModeNoBackslashEscapes)
	return p
}}

// parse gives what was written to TiDB.
func (r *rewriter) parse() (*tidb.SelectStmt, error) {
	var b strings.Builder
	starts := make([]int, len(r.out))
	for i, o := range r.out {
		starts[i] = b.Len()
		b.WriteString(o.text)
		b.WriteByte(' ')
	}
	text := b.String()
	p := pool.Get().(*tidbparser.Parser)
	statements, _, err := p.ParseSQL(text)
	var s *tidb.SelectStmt
	if err == nil && len(statements) == 1 { // the slice is the parser's own
		s, _ = statements[0].(*tidb.SelectStmt)
	}
	pool.Put(p)
	switch {
	case err != nil:
		return nil, r.refuse(errorOffset(err.Error(), text), starts)
	case s == nil:
		return nil, r.unexpected(r.i, "")
	}
	return s, nil
}

// refuse is the error for what was written at offset of the text for TiDB.
func (r *rewriter) refuse(offset int, starts []int) error {
	i := sort.SearchInts(starts, offset+1) - 1
	if offset < 0 || i < 0 {
		return errorAt(r.between(r.out[0].tok, r.i-1), codeSyntax, "the statement cannot be parsed")
	}
	if last := len(r.out) - 1; i == last && offset >= starts[last]+len(r.out[last].text) {
		return r.unexpected(r.i, "")
	}
	return r.unexpected(r.out[i].tok, "")
}

var (
	nearPrefix  = regexp.MustCompile(`^line \d+ column \d+ near "`)
	totalLength = regexp.MustCompile(`\(total length (\d+)\)$`)
)

// errorOffset finds where in text TiDB's message points, or -1. The message quotes the rest of text, perhaps cut, and
// then tells its length.
func errorOffset(message, text string) int {
	prefix := nearPrefix.FindString(message)
	if prefix == "" {
		return -1
	}
	if m := totalLength.FindStringSubmatch(message); m != nil {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			return -1
		}
		return len(text) - n
	}
	end := strings.LastIndexByte(message, '"')
	if end < len(prefix) {
		return -1
	}
	return len(text) - (end - len(prefix))
}

// unmark is the kind of a mark and the number of its token.
func unmark(name string) (kind byte, tok int) {
	if name == "" {
		return 0, 0
	}
	tok, err := strconv.Atoi(name[1:])
	if err != nil {
		return 0, 0
	}
	return name[0], tok
}

// ident is the name at the token that a mark of a name stands for; nil if there is no mark.
func (c *converter) ident(name tidb.CIStr) *ast.Ident {
	kind, tok := unmark(name.O)
	if kind != markName {
		return nil
	}
	id := c.toks[tok].ident()
	return &id
}
