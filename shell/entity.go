package shell

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/millrace/millrace/shell/client"
)

// view is how an entity is shown: a text, then grids.
type view struct {
	text  string
	grids []grid
}

// grid is a table of texts.
type grid struct {
	title string
	cols  []column
	rows  [][]string
}

func newGrid(names ...string) grid {
	g := grid{}
	for _, n := range names {
		g.cols = append(g.cols, column{name: n})
	}
	return g
}

func (g *grid) add(texts ...string) { g.rows = append(g.rows, texts) }

// views says for each "@type" how it is shown. Types that are not here are shown as JSON, so that a newer server's answers are not lost.
var views = map[string]func(json.RawMessage) (view, error){
	"currentStatus":       viewOf(viewStatus),
	"warning_entity":      viewOf(viewWarning),
	"streams":             viewOf(viewSources),
	"tables":              viewOf(viewSources),
	"sourceDescription":   viewOf(viewSourceDescription),
	"source_descriptions": viewOf(viewSourceDescriptions),
	"queries":             viewOf(viewQueries),
	"queryDescription":    viewOf(viewQueryDescription),
	"query_descriptions":  viewOf(viewQueryDescriptions),
	"properties":          viewOf(viewProperties),
	"kafka_topics":        viewOf(viewTopics),
	"function_names":      viewOf(viewFunctionNames),
	"describe_function":   viewOf(viewFunction),
	"type_list":           viewOf(viewTypes),
	"variables":           viewOf(viewVariables),
	"terminate_query":     viewOf(viewTerminate),
	"assert_topic":        viewOf(viewAssertTopic),
	"models":              viewOf(viewModels),
	"model_versions":      viewOf(viewModelVersions),
	"model_description":   viewOf(viewModel),
	"model_statistics":    viewOf(viewModelStatistics),
	"assert_schema":       viewOf(viewAssertSchema),

	"connector_info":         viewOf(viewConnectorCreated),
	"drop_connector":         viewOf(viewConnectorDropped),
	"connector_list":         viewOf(viewConnectors),
	"connector_plugins_list": viewOf(viewConnectorPlugins),
	"connector_description":  viewOf(viewConnector),
}

// viewOf reads the JSON for a view.
func viewOf[T any](show func(T) view) func(json.RawMessage) (view, error) {
	return func(raw json.RawMessage) (view, error) {
		var v T
		if err := json.Unmarshal(raw, &v); err != nil {
			return view{}, fmt.Errorf("read the server's answer: %w", err)
		}
		return show(v), nil
	}
}

// entity shows the result of a statement.
func (s *Shell) entity(e client.Entity) error {
	for _, w := range e.Warnings {
		s.note("warning: " + printable(w))
	}
	if s.output == "json" {
		var b bytes.Buffer
		if err := json.Compact(&b, e.Body); err != nil {
			return fmt.Errorf("show a %s: %w", e.Type, err)
		}
		b.WriteByte('\n')
		_, err := b.WriteTo(s.out)
		return err
	}
	make, ok := views[e.Type]
	if !ok {
		return s.raw(e)
	}
	v, err := make(e.Body)
	if err != nil {
		return err
	}
	return s.view(v)
}

func (s *Shell) raw(e client.Entity) error {
	var b bytes.Buffer
	if err := json.Indent(&b, e.Body, "", "  "); err != nil {
		return fmt.Errorf("show a %s: %w", e.Type, err)
	}
	b.WriteByte('\n')
	_, err := b.WriteTo(s.out)
	return err
}

func (s *Shell) view(v view) error {
	s.text(v.text)
	for i, g := range v.grids {
		if s.output != "csv" {
			if i > 0 || v.text != "" {
				s.printf("\n")
			}
			s.text(g.title)
		}
		p := s.printer(g.cols, false)
		for _, texts := range g.rows {
			cells := make([]cell, len(texts))
			for i, text := range texts {
				cells[i] = cell{text: text}
			}
			if err := p.row(cells); err != nil {
				return err
			}
		}
		if err := p.end(); err != nil {
			return err
		}
	}
	return nil
}

// text shows lines; the error of a broken screen comes with the next Flush.
func (s *Shell) text(text string) {
	if text == "" {
		return
	}
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		s.printf("%s\n", printable(line))
	}
}

// facts is text of "name: value" lines; pairs without a value are left out.
func facts(pairs ...string) string {
	var b strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			fmt.Fprintf(&b, "%-16s %s\n", pairs[i]+":", strings.ReplaceAll(pairs[i+1], "\n", " "))
		}
	}
	return b.String()
}
