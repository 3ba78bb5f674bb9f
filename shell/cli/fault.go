package cli

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"syscall"

	"github.com/millrace/millrace/engine/kafka/embedded"
	"github.com/millrace/millrace/shell"
	"github.com/millrace/millrace/shell/client"
)

// The exit codes.
const (
	exitOK = iota
	exitFailed
	exitConnection
	exitStatement
)

// statusError is an exit code whose reasons are printed already.
type statusError int

func (e statusError) Error() string { return "" }

// scriptError is a statement of a script that failed.
type scriptError struct{ error }

func (e scriptError) Unwrap() error { return e.error }

func exitCode(err error) int {
	var status statusError
	var lost *client.ConnectionError
	var script scriptError
	switch {
	case errors.As(err, &status):
		return int(status)
	case errors.As(err, &lost):
		return exitConnection
	case errors.As(err, &script) && !errors.Is(err, context.Canceled):
		return exitStatement
	}
	return exitFailed
}

// hints say what a person can do about an error.
var hints = []struct {
	is   func(error) bool
	hint string
}{
	{is[*client.ConnectionError], "start a server with `millrace server`, or name another with --server"},
	{isAny(syscall.EADDRINUSE), "another server may be running there; choose another address with --listen"},
	{isAny(syscall.EADDRNOTAVAIL), "--listen must be an address of this machine, such as 127.0.0.1:8088"},
	{isAny(embedded.ErrInUse), "another server or broker is running on this directory; stop it, or choose another with --data"},
	{isAny(fs.ErrPermission, syscall.EROFS, syscall.ENOTDIR), "--data must name a directory that can be written; choose another"},
	{isAny(syscall.ENOSPC), "the disk of --data is full; free some space"},
	{isAny(syscall.ECONNREFUSED), "check that the brokers of --bootstrap run and can be reached from here"},
}

func is[E error](err error) bool {
	var target E
	return errors.As(err, &target)
}

func isAny(targets ...error) func(error) bool {
	return func(err error) bool {
		for _, t := range targets {
			if errors.Is(err, t) {
				return true
			}
		}
		return false
	}
}

func describe(err error) string {
	if is[statusError](err) {
		return ""
	}
	text := shell.Describe(err, false)
	if strings.Contains(text, "hint: ") {
		return text // the error knows better
	}
	for _, h := range hints {
		if h.is(err) {
			return text + "\nhint: " + h.hint
		}
	}
	return text
}
