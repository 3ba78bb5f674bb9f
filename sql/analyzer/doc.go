// Package analyzer turns a parsed statement and a catalog snapshot into a typed plan, or into an error that points at the
// text and carries a stable rule code.
package analyzer
