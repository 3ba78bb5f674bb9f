package ast

func (s *QueryStmt) String() string { return s.Query.String() }

func (s *InsertSelect) String() string {
	return sentence("INSERT INTO", s.Target.String(), s.With.clause(), s.Query.String())
}

func (s *InsertValues) String() string {
	return sentence("INSERT INTO", s.Target.String(), columns(s.Columns), "VALUES ("+list(s.Values)+")")
}

// columns is a list of names in parentheses, or nothing where it was left out.
func columns(names []Ident) string {
	if names == nil {
		return ""
	}
	return "(" + list(names) + ")"
}

func (s *Explain) String() string {
	if s.Query != nil {
		return "EXPLAIN " + s.Query.String()
	}
	return "EXPLAIN " + s.Statement.String()
}

// orAll is the name of a query, or ALL.
func orAll(query *Ident) string {
	if query == nil {
		return "ALL"
	}
	return query.String()
}

func (s *Terminate) String() string { return "TERMINATE " + orAll(s.Query) }
func (s *Pause) String() string     { return "PAUSE " + orAll(s.Query) }
func (s *Resume) String() string    { return "RESUME " + orAll(s.Query) }

func (s *Print) String() string {
	return compose(func(p *printer) {
		p.words("PRINT", s.Topic.String(), when(s.FromBeginning, "FROM BEGINNING"))
		if s.Interval != nil {
			p.words("INTERVAL", s.Interval.String())
		}
		if s.Limit != nil {
			p.words("LIMIT", s.Limit.String())
		}
	})
}

const extended = "EXTENDED"

func (s *ShowTopics) String() string {
	return sentence("SHOW", when(s.All, "ALL"), "TOPICS", when(s.Extended, extended))
}

func (s *ShowConnectors) String() string { return sentence("SHOW", string(s.Kind), "CONNECTORS") }

func (s *ShowModelVersions) String() string { return sentence("SHOW MODEL VERSIONS", optional(s.Name)) }
func (s *ShowModelStatistics) String() string {
	return sentence("SHOW MODEL STATISTICS", optional(s.Name))
}

// optional is a name, or nothing where there is none.
func optional(name *Ident) string {
	if name == nil {
		return ""
	}
	return name.String()
}

func (*ShowProperties) String() string       { return "SHOW PROPERTIES" }
func (s *ShowStreams) String() string        { return sentence("SHOW STREAMS", when(s.Extended, extended)) }
func (s *ShowTables) String() string         { return sentence("SHOW TABLES", when(s.Extended, extended)) }
func (s *ShowQueries) String() string        { return sentence("SHOW QUERIES", when(s.Extended, extended)) }
func (*ShowFunctions) String() string        { return "SHOW FUNCTIONS" }
func (*ShowTypes) String() string            { return "SHOW TYPES" }
func (*ShowVariables) String() string        { return "SHOW VARIABLES" }
func (*ShowConnectorPlugins) String() string { return "SHOW CONNECTOR PLUGINS" }
func (*ShowModels) String() string           { return "SHOW MODELS" }

func (s *DescribeSource) String() string {
	return sentence("DESCRIBE", s.Name.String(), when(s.Extended, extended))
}

func (s *DescribeStreams) String() string {
	return sentence("DESCRIBE STREAMS", when(s.Extended, extended))
}

func (s *DescribeTables) String() string {
	return sentence("DESCRIBE TABLES", when(s.Extended, extended))
}
func (s *DescribeFunction) String() string  { return "DESCRIBE FUNCTION " + s.Name.String() }
func (s *DescribeConnector) String() string { return "DESCRIBE CONNECTOR " + s.Name.String() }
func (s *DescribeModel) String() string     { return "DESCRIBE MODEL " + s.Name.String() }

func (s *Set) String() string   { return "SET " + quote(s.Name) + " = " + quote(s.Value) }
func (s *Unset) String() string { return "UNSET " + quote(s.Name) }
func (s *AlterSystem) String() string {
	return "ALTER SYSTEM " + quote(s.Name) + " = " + quote(s.Value)
}
func (s *Define) String() string    { return "DEFINE " + s.Name.String() + " = " + quote(s.Value) }
func (s *Undefine) String() string  { return "UNDEFINE " + s.Name.String() }
func (s *RunScript) String() string { return "RUN SCRIPT " + quote(s.Path) }

// timeout is the TIMEOUT clause, or nothing.
func timeout(d *Duration) string {
	if d == nil {
		return ""
	}
	return "TIMEOUT " + d.String()
}

const notExists = "NOT EXISTS"

func (s *AssertTopic) String() string {
	return sentence("ASSERT", when(s.NotExists, notExists), "TOPIC", s.Topic.String(), s.With.clause(), timeout(s.Timeout))
}

func (s *AssertSchema) String() string {
	return compose(func(p *printer) {
		p.words("ASSERT", when(s.NotExists, notExists), "SCHEMA")
		if s.Subject != nil {
			p.words("SUBJECT", s.Subject.String())
		}
		if s.ID != nil {
			p.words("ID", s.ID.String())
		}
		p.words(timeout(s.Timeout))
	})
}

func (s *AssertValues) String() string {
	return sentence("ASSERT VALUES", s.Source.String(), columns(s.Columns), "VALUES ("+list(s.Values)+")")
}

func (s *AssertTombstone) String() string {
	return sentence("ASSERT NULL VALUES", s.Source.String(), columns(s.Columns), "KEY ("+list(s.Values)+")")
}

func (s *AssertSource) String() string {
	return sentence("ASSERT", string(s.Kind), s.Name.String(), elements(s.Elements), s.With.clause())
}
