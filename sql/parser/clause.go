package parser

// clauseWords are the words that people mistype inside a statement.
var clauseWords = []string{
	"SELECT", "FROM", "WHERE", "GROUP", "HAVING", "PARTITION", "WINDOW", "TUMBLING", "HOPPING", "SESSION", "EMIT",
	"CHANGES", "FINAL", "LIMIT", "JOIN", "INNER", "LEFT", "RIGHT", "OUTER", "WITHIN", "BETWEEN", "DISTINCT", "ORDER",
	"UNION", "STREAM", "TABLE", "MODEL", "CONNECTOR", "VALUES", "WITH", "EXISTS", "PRIMARY", "HEADERS", "EXTENDED",
	"GRACE", "PERIOD", "ADVANCE", "RETENTION", "BEGINNING", "REPLACE", "INSERT",
}
