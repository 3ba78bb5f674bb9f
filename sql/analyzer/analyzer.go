package analyzer

import (
	"fmt"

	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/catalog"
)

// Topics tells about Kafka topics. It is asked for the topics of CREATE statements alone.
type Topics interface {
	// Lookup returns the partitions and replicas of a topic; ok is false if there is no such topic.
	Lookup(topic string) (partitions int32, replicas int16, ok bool, err error)
}

// Options are the surroundings of an Analyzer.
type Options struct {
	// Topics may be nil: then no topic exists, and one that is to be created has DefaultPartitions.
	Topics Topics
	// DefaultPartitions is what a topic gets whose statement does not say; 0 makes PARTITIONS mandatory.
	DefaultPartitions int32
	// Schemas is the schema registry; nil: there is none, and the formats that need one are not available.
	Schemas Schemas
	// Formats says which of the known formats can be read and written. Nil: all for which there is what they need.
	Formats func(name string) bool
}

// Analyzer analyses statements. It is immutable and safe for concurrent use.
type Analyzer struct {
	functions Functions
	models    Models
	opts      Options
}

// New returns an Analyzer. Models may be nil where there are none.
func New(functions Functions, models Models, opts Options) *Analyzer {
	if opts.Formats == nil {
		opts.Formats = func(name string) bool { return opts.Schemas != nil || !formatRules[name].inference }
	}
	return &Analyzer{functions: functions, models: models, opts: opts}
}

// statement is the analysis of one statement.
type statement struct {
	*Analyzer
	cat  *catalog.Catalog
	text string
	conf config
}

// Analyze gives the effect that stmt would have on cat, or an *ast.Error. Text is the statement's text, which the
// catalog keeps; props are the session's properties. Statements without semantics of their own (SHOW, DESCRIBE, TERMINATE,
// EXPLAIN of a query id, models, connectors ...) are the engine's and are refused with code "statement".
func (a *Analyzer) Analyze(stmt ast.Statement, cat *catalog.Catalog, text string, props map[string]string) (Result, error) {
	s := &statement{Analyzer: a, cat: cat, text: text, conf: config(props)}
	switch x := stmt.(type) {
	case *ast.CreateSource:
		return s.createSource(x)
	case *ast.CreateAs:
		return s.createAs(x)
	case *ast.InsertSelect:
		return s.insertSelect(x)
	case *ast.InsertValues:
		return s.insertValues(x)
	case *ast.QueryStmt:
		return s.queryStmt(x)
	case *ast.DropSource:
		return s.dropSource(x)
	case *ast.AlterSource:
		return s.alterSource(x)
	case *ast.CreateType:
		return s.createType(x)
	case *ast.DropType:
		return s.dropType(x)
	case *ast.Explain:
		if x.Statement != nil {
			return a.Analyze(x.Statement, cat, text, props)
		}
	}
	return nil, fail("statement", stmt.Span(), "this statement is carried out as it is; it has no plan")
}

// config reads the session's properties.
type config map[string]string

func (c config) text(name, otherwise string) string {
	if v, ok := c[name]; ok {
		return v
	}
	return otherwise
}

func (c config) flag(name string, otherwise bool) bool {
	switch c[name] {
	case "true":
		return true
	case "false":
		return false
	}
	return otherwise
}

// fail makes a refusal.
func fail(code string, at ast.Span, message string, args ...any) *ast.Error {
	return &ast.Error{Code: code, Span: at, Message: fmt.Sprintf(message, args...)}
}

// advise adds a hint to a refusal.
func advise(e *ast.Error, hint string, args ...any) *ast.Error {
	if hint != "" {
		e.Hint = fmt.Sprintf(hint, args...)
	}
	return e
}
