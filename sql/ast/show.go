package ast

// ShowProperties is SHOW PROPERTIES.
type ShowProperties struct{ Loc }

// ShowTopics is SHOW [ALL] TOPICS [EXTENDED].
type ShowTopics struct {
	Loc
	All, Extended bool
}

// ShowStreams is SHOW STREAMS [EXTENDED].
type ShowStreams struct {
	Loc
	Extended bool
}

// ShowTables is SHOW TABLES [EXTENDED].
type ShowTables struct {
	Loc
	Extended bool
}

// ShowQueries is SHOW QUERIES [EXTENDED].
type ShowQueries struct {
	Loc
	Extended bool
}

// ShowFunctions is SHOW FUNCTIONS.
type ShowFunctions struct{ Loc }

// ShowTypes is SHOW TYPES.
type ShowTypes struct{ Loc }

// ShowVariables is SHOW VARIABLES.
type ShowVariables struct{ Loc }

// ShowConnectors is SHOW [SOURCE|SINK] CONNECTORS.
type ShowConnectors struct {
	Loc
	Kind ConnectorKind
}

// ShowConnectorPlugins is SHOW CONNECTOR PLUGINS.
type ShowConnectorPlugins struct{ Loc }

// DescribeSource is DESCRIBE name [EXTENDED].
type DescribeSource struct {
	Loc
	Name     Ident
	Extended bool
}

// DescribeStreams is DESCRIBE STREAMS [EXTENDED].
type DescribeStreams struct {
	Loc
	Extended bool
}

// DescribeTables is DESCRIBE TABLES [EXTENDED].
type DescribeTables struct {
	Loc
	Extended bool
}

// DescribeFunction is DESCRIBE FUNCTION name.
type DescribeFunction struct {
	Loc
	Name Ident
}

// DescribeConnector is DESCRIBE CONNECTOR name.
type DescribeConnector struct {
	Loc
	Name Ident
}

func (*ShowProperties) stmt()       {}
func (*ShowTopics) stmt()           {}
func (*ShowStreams) stmt()          {}
func (*ShowTables) stmt()           {}
func (*ShowQueries) stmt()          {}
func (*ShowFunctions) stmt()        {}
func (*ShowTypes) stmt()            {}
func (*ShowVariables) stmt()        {}
func (*ShowConnectors) stmt()       {}
func (*ShowConnectorPlugins) stmt() {}
func (*DescribeSource) stmt()       {}
func (*DescribeStreams) stmt()      {}
func (*DescribeTables) stmt()       {}
func (*DescribeFunction) stmt()     {}
func (*DescribeConnector) stmt()    {}
