// Package parser turns SQL text into the tree of package ast.
//
// It goes in four steps. The lexer (lex.go) follows the dialect's lexical rules and refuses every character that is not
// of the dialect. Recursive descent reads the shells of statements and the order of a query's clauses (statement.go and
// the files beside it). The core of each SELECT, and every expression, is then rewritten into MySQL text for TiDB's
// parser (rewrite.go): operators keep their form, and each operand is replaced by a back-quoted name that holds the
// number of its token. So TiDB sees only the structure, never a name or a literal that it could read in its own way,
// and no word of the dialect can meet a reserved word of MySQL. Last, TiDB's tree is converted through a whitelist
// (convert.go): the numbers lead back to the tokens, hence to names, literals and spans, and a node that is not on the
// list is an error.
//
// Every error is an *ast.Error that points at the text. The functions may be called from any goroutine.
package parser
