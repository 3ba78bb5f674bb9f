// Package wasm runs functions that people write in other languages: CREATE FUNCTION ... LANGUAGE WASM.
//
// A function is an export of a WebAssembly module, called once a row. Its parameters and its result are those of SQL, in the types
// that WebAssembly has:
//
//	BOOLEAN, INTEGER, DATE, TIME    i32 (a BOOLEAN is 0 or 1, a DATE days, a TIME milliseconds)
//	BIGINT, TIMESTAMP               i64
//	DOUBLE                          f64
//	STRING, BYTES                   two i32 as a parameter: address and length; as a result one i64: address<<32 | length
//
// A module that takes a STRING or BYTES exports alloc (or malloc), from i32 to i32: it is asked now and then for memory that
// stays the host's, in which the arguments of a row lie during its call. A STRING or BYTES result lies where the module likes, its
// arguments included, until the function is called again; -1 is NULL. A function is not called for a row with a NULL argument.
//
// # The sandbox
//
// A module sees its arguments and nothing else. WASI is there, since compilers' libraries ask for it, but empty: no files, no
// arguments, no environment, a clock that stands and random numbers that are always the same. So a result depends on the arguments
// alone, as far as the module itself keeps nothing between calls.
//
// A Module is compiled once a server; its instances, of which each serves one batch at a time, are shared by all tasks. A call that
// fails makes its row fail and costs the instance: the next row has a fresh one. A row that fails in an instance that served
// others before is tried again in a fresh one, lest what they left be its reason.
//
// Memory is bounded by the runtime, tables, code and names by a look at the file, which is rewritten so that its code asks now and then whether it is to
// stop (see package meter), and time by a guard, which says when (see guard.go).
package wasm
