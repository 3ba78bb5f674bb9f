// Package ast is the syntax tree of Millrace's SQL: what the parser makes and the analyzer reads.
//
// Every node is a plain struct used through a pointer. It knows the bytes of the source text it came from (Span), and
// its String is SQL that parses to an equal tree again, as Equal says it. The tree is syntactic: names are folded but
// not resolved, types are names with parameters, and nothing is checked that needs a catalog.
//
// The interfaces are sealed. A switch over Statement, Expr, Relation or QueryBody can therefore be complete:
//
//	Statement  one struct per kind of statement (ddl.go, dml.go, show.go, session.go, assert.go, model.go)
//	Expr       one struct per kind of expression (expr.go, literal.go, call.go)
//	Relation   TableRef, Join, SubqueryRef, TableFunctionRef
//	QueryBody  Select, SetOp, Query
//
// Error is the one kind of error that parser and analyzer return; Render shows it under the line it is about.
package ast
