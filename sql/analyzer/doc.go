// Package analyzer turns a parsed statement and a catalog snapshot into a typed plan, or into an error that points at the
// text and carries a stable rule code.
//
// It is pure: the same statement over the same catalog gives the same Result. What it must ask of the world (which functions and
// models there are, whether a topic exists) comes through small interfaces: Functions, Models, Topics.
//
// A statement with a query takes this way:
//
//	scope.go      FROM: the sources, their aliases and columns
//	qualify.go    every column reference gets its source; ambiguity and unknown qualifiers are errors here
//	alias.go      default names of SELECT items; stars become columns
//	join*.go      sources and joins become nodes, with the repartitioning they need
//	query.go      WHERE, PARTITION BY, table functions, GROUP BY, HAVING, in this order
//	project.go    the final projection: which item is the key, what is missing
//	sink.go       formats, topic and schema of what a persistent query writes
//
// Expressions are bound (bind*.go) after they are qualified, so "the same expression" means ast.Equal of two qualified
// trees: that is how a SELECT item is known to be a grouping expression, a key, or a call that is computed already.
//
// Every refusal is an *ast.Error with a code from the list in docs; where several rules are broken, the order of the checks is
// ksqlDB's, so that the same one is reported.
package analyzer
