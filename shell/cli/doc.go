// Package cli is the command line: one file a command, each a function that builds it, listed in root.go.
//
// Commands return errors and print none: Main prints them, with a hint where a person must act (fault.go), and turns them into the
// exit code:
//
//	0  done
//	1  wrong usage, or anything not below
//	2  the server cannot be reached
//	3  a statement of a script failed
package cli
