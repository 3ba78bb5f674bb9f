package parser

import "github.com/millrace/millrace/sql/ast"

// show reads what follows SHOW or LIST.
func (p *parser) show(lo int) (ast.Statement, error) {
	switch {
	case p.accept("CONNECTOR", "PLUGINS"):
		return &ast.ShowConnectorPlugins{Loc: p.span(lo)}, nil
	case p.accept("SOURCE", "CONNECTORS"):
		return &ast.ShowConnectors{Loc: p.span(lo), Kind: ast.SourceConnector}, nil
	case p.accept("SINK", "CONNECTORS"):
		return &ast.ShowConnectors{Loc: p.span(lo), Kind: ast.SinkConnector}, nil
	case p.accept("MODEL"):
		return p.showModel(lo)
	}
	all := p.accept("ALL")
	if all && !p.peek("TOPICS") {
		return nil, p.unexpected(p.i, "TOPICS")
	}
	t := p.tok()
	if t.kind != wordToken {
		return nil, p.oneOf(showable...)
	}
	p.i++
	extended := p.tok().is("EXTENDED")
	switch t.text {
	case "TOPICS":
		return &ast.ShowTopics{Loc: p.extended(lo), All: all, Extended: extended}, nil
	case "STREAMS":
		return &ast.ShowStreams{Loc: p.extended(lo), Extended: extended}, nil
	case "TABLES":
		return &ast.ShowTables{Loc: p.extended(lo), Extended: extended}, nil
	case "QUERIES":
		return &ast.ShowQueries{Loc: p.extended(lo), Extended: extended}, nil
	case "PROPERTIES":
		return &ast.ShowProperties{Loc: p.span(lo)}, nil
	case "FUNCTIONS":
		return &ast.ShowFunctions{Loc: p.span(lo)}, nil
	case "TYPES":
		return &ast.ShowTypes{Loc: p.span(lo)}, nil
	case "VARIABLES":
		return &ast.ShowVariables{Loc: p.span(lo)}, nil
	case "CONNECTORS":
		return &ast.ShowConnectors{Loc: p.span(lo)}, nil
	case "MODELS":
		return &ast.ShowModels{Loc: p.span(lo)}, nil
	}
	p.i--
	return nil, p.oneOf(showable...)
}

var showable = []string{
	"STREAMS", "TABLES", "TOPICS", "QUERIES", "FUNCTIONS", "MODELS", "TYPES", "PROPERTIES", "VARIABLES", "CONNECTORS",
}

// extended reads EXTENDED if it comes next, and returns the span from lo.
func (p *parser) extended(lo int) ast.Span {
	p.accept("EXTENDED")
	return p.span(lo)
}

func (p *parser) describe(lo int) (ast.Statement, error) {
	t := p.tok()
	if t.is("FUNCTION", "CONNECTOR", "MODEL") && p.at(1).isName() && !p.at(1).is("EXTENDED") {
		p.i++
		name, err := p.name()
		switch t.text {
		case "FUNCTION":
			return &ast.DescribeFunction{Loc: p.span(lo), Name: name}, err
		case "CONNECTOR":
			return &ast.DescribeConnector{Loc: p.span(lo), Name: name}, err
		}
		return &ast.DescribeModel{Loc: p.span(lo), Name: name}, err
	}
	name, err := p.name()
	if err != nil {
		return nil, err
	}
	extended := p.tok().is("EXTENDED")
	loc := p.extended(lo)
	switch {
	case t.is("STREAMS"):
		return &ast.DescribeStreams{Loc: loc, Extended: extended}, nil
	case t.is("TABLES"):
		return &ast.DescribeTables{Loc: loc, Extended: extended}, nil
	}
	return &ast.DescribeSource{Loc: loc, Name: name, Extended: extended}, nil
}
