package qtt

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/millrace/millrace/sql/ast"
)

// rule says which rule must refuse a case, by the message that the case expects.
type rule struct {
	code    string
	message *regexp.Regexp
}

// Rules are the rules of folders, read when they are first asked for. The zero value is ready.
type Rules struct{ byDir map[string][]rule }

// Wanted is the code that must refuse the case; "" if any will do.
func (r *Rules) Wanted(c *Case) (string, error) {
	rules, ok := r.byDir[c.dir]
	if !ok {
		var err error
		if rules, err = readRules(c.dir); err != nil {
			return "", err
		}
		if r.byDir == nil {
			r.byDir = map[string][]rule{}
		}
		r.byDir[c.dir] = rules
	}
	return wanted(rules, c.Expected.Message), nil
}

// readRules reads rules.tsv from the folder or one of those above it; nil if there is none.
func readRules(dir string) ([]rule, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	for {
		text, err := os.ReadFile(filepath.Join(dir, "rules.tsv"))
		if err == nil {
			return parseRules(string(text))
		}
		up := filepath.Dir(dir)
		if up == dir {
			return nil, nil
		}
		dir = up
	}
}

func parseRules(text string) ([]rule, error) {
	var out []rule
	for n, line := range strings.Split(text, "\n") {
		code, expr, ok := strings.Cut(line, "\t")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		re, err := regexp.Compile("(?s)" + strings.TrimRight(expr, "\r"))
		if err != nil {
			return nil, fmt.Errorf("rules.tsv line %d: %w", n+1, err)
		}
		out = append(out, rule{code, re})
	}
	return out, nil
}

// wanted is the code that must refuse a case which expects the message; "" if any will do.
func wanted(rules []rule, message string) string {
	for _, r := range rules {
		if r.message.MatchString(message) {
			return r.code
		}
	}
	return ""
}

// codeOf is the rule code of a refusal, "" if the error is none.
func codeOf(err error) string {
	var e *ast.Error
	if errors.As(err, &e) {
		return e.Code
	}
	var r interface{ Rule() string }
	if errors.As(err, &r) {
		return r.Rule()
	}
	return ""
}

// Satisfies says whether a code is the rule's or continues it.
func Satisfies(code, rule string) bool {
	if rule == "" || code == "" {
		return code != ""
	}
	return code == rule || strings.HasPrefix(code, rule+".")
}
