// Package query is the life of queries: persistent ones, which the slots of engine/cluster run, and transient ones, which
// the server that a client asked runs for as long as the client listens.
package query
