package qtt

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/millrace/millrace/sql/parser"
	"github.com/millrace/millrace/udf/builtin"
)

// Options are those of `millrace test`.
type Options struct {
	Summary     bool // add a histogram of the reasons of failures
	Parse       bool // only parse
	BatchSize   int  // records per batch; 0: 1
	NoOptimizer bool
	Quiet       bool // do not list failures
	// Commit is how many batches a transaction holds; each is aborted once and done again, and the tasks are built anew
	// behind it. 0: one transaction, one life.
	Commit int
	// Sample runs every so many cases of those that the folder has; 0: all.
	Sample int
	// Keep fills Result.Outputs.
	Keep bool
	// Server starts the server for cases that talk to one; nil: they fail.
	Server func() (Server, error)
}

// Result counts what became of the cases.
type Result struct {
	Passed, Failed, Skipped int
	Failures                map[string]*Failure // by name of the case
	// Outputs holds what each case made the queries write to any topic, or what it was refused for, as text to compare.
	Outputs map[string]string
}

// Main runs the cases of files and folders and writes a report, whose last line is "N passed, N failed, N skipped". It
// returns the exit code of the command: 1 if a case failed or could not be read.
func Main(paths []string, opts Options, out io.Writer) int {
	res, err := Run(paths, opts, out)
	if err != nil {
		fmt.Fprintln(out, err)
		return 1
	}
	if opts.Summary {
		summarize(res, out)
	}
	fmt.Fprintf(out, "%d passed, %d failed, %d skipped\n", res.Passed, res.Failed, res.Skipped)
	if res.Failed > 0 {
		return 1
	}
	return 0
}

// Run runs the cases and writes the first difference of each that fails to out.
func Run(paths []string, opts Options, out io.Writer) (res Result, err error) {
	res.Failures = map[string]*Failure{}
	cases, err := Read(paths)
	if err != nil {
		return res, err
	}
	r, err := newRunner(opts)
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	if opts.Keep {
		res.Outputs = map[string]string{}
		r.seen = func(c *Case, outputs string) { res.Outputs[c.Name] = outputs }
	}
	for i := range cases {
		c := &cases[i]
		if opts.Sample > 1 && i%opts.Sample != 0 {
			continue
		}
		if !c.Enabled {
			res.Skipped++
			continue
		}
		run := r.run
		if opts.Parse {
			run = r.parse
		}
		err := run(c)
		if err == nil {
			res.Passed++
			continue
		}
		res.Failed++
		f := asFailure(err)
		res.Failures[c.Name] = f
		if !opts.Quiet {
			fmt.Fprintf(out, "FAIL %s\n     %s\n", c.Name, strings.ReplaceAll(f.Error(), "\n", "\n     "))
		}
	}
	return res, nil
}

func asFailure(err error) *Failure {
	var f *Failure
	if errors.As(err, &f) {
		return f
	}
	return Failf("error", "%v", err)
}

func newRunner(opts Options) (*runner, error) {
	functions, err := builtin.Registry().With(testFunctions()...)
	if err != nil {
		return nil, fmt.Errorf("register test functions: %w", err)
	}
	r := &runner{
		functions: functions, open: opts.Server, batch: opts.BatchSize, commit: opts.Commit, plain: opts.NoOptimizer,
	}
	return r, nil
}

// parse checks only that every statement parses, unless the parser is to refuse the case.
func (r *runner) parse(c *Case) error {
	for i, s := range c.Statements {
		if _, err := parser.ParseOne(s); err != nil {
			if c.Expected != nil && i == len(c.Statements)-1 {
				return r.refused(c, i, err)
			}
			return Failf("parse", "statement %d: %v", i+1, err)
		}
	}
	return nil
}

// summarize writes how many cases failed for each reason, most frequent first.
func summarize(res Result, out io.Writer) {
	count := map[string]int{}
	for _, f := range res.Failures {
		count[f.Reason]++
	}
	reasons := slices.SortedFunc(maps.Keys(count), func(a, b string) int {
		if count[a] != count[b] {
			return count[b] - count[a]
		}
		return strings.Compare(a, b)
	})
	fmt.Fprintln(out, "\nfailures by reason:")
	for _, r := range reasons {
		fmt.Fprintf(out, "%6d  %s\n", count[r], r)
	}
}
