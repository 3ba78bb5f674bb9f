package shell

import (
	"context"
	"errors"
	"strings"

	"github.com/millrace/millrace/shell/client"
	"github.com/millrace/millrace/sql/ast"
)

// Describe is an error as the shell shows it: "error: " and the message, which for refused statements has position, caret and hint, then
// the rule code, by which the documentation lists refusals.
func Describe(err error, color bool) string {
	if errors.Is(err, context.Canceled) {
		return "canceled"
	}
	message, rule := err.Error(), ""
	var refused *client.Error
	if errors.As(err, &refused) {
		rule = refused.Rule
	}
	head := "error: "
	if color {
		head = "\x1b[1;31merror:\x1b[0m "
	}
	if rule != "" && !strings.Contains(message, rule) {
		first, rest, more := strings.Cut(message, "\n")
		message = first + " [" + rule + "]"
		if more {
			message += "\n" + rest
		}
	}
	return head + message
}

// localError is a refusal of a statement that the shell itself carries out, drawn as the server draws its own.
func localError(err error, text string) error {
	e := &client.Error{Message: ast.Render(err, text), Statement: text}
	var at *ast.Error
	if errors.As(err, &at) {
		e.Rule = at.Code
	}
	return e
}
