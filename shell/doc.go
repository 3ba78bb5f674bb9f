// Package shell is the interactive shell and what runs scripts: a client of the REST API, so that whatever it can do, any client can.
//
// Three things happen to what a person types. A local command (command.go) is a word that the shell itself answers: help, exit, output.
// A statement about the session (SET, DEFINE, RUN SCRIPT) changes the Shell, which sends properties and variables along with
// every request. Everything else goes to the server: SELECT and PRINT as streaming queries, the rest as statements whose
// results are drawn as tables (entity.go).
//
// Results go through a printer: table, vertical, csv or json. Rows are shown as they arrive; a table settles the widths of its columns with
// the first rows and never waits for the last.
//
// Lines come from a LineReader. The one for terminals is chzyer/readline with its faults cured around it (keys.go, complete.go).
package shell
