// Package udf is what SQL can call: scalar, table and aggregate functions, and the registry that resolves a call to one of
// their overloads.
//
// A function is data: a name, a description and a list of overloads, each a Signature with its implementation. A Registry
// is built once (see package builtin), then immutable and safe for concurrent use. The analyzer resolves calls through
// it (it implements analyzer.Functions); the engine finds the resolved overload again by name and parameter types, as a
// stored plan records them.
//
// A scalar function is a Go function of boxed values; a hot one also has a kernel over vectors. An aggregate declares its
// accumulator as typed columns, which the operator stores, and folds whole batches (see Aggregate).
package udf
