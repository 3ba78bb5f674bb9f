package server

import (
	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/engine/format"
	"github.com/millrace/millrace/sql/types"
)

// streamedRowWriter writes ksqlDB's StreamedRow objects in one array:
//
//	[{"header":{"queryId":"q","schema":"`ID` INTEGER"}},
//	{"row":{"columns":[1]}},
//	{"finalMessage":"Limit Reached"}]
type streamedRowWriter struct{}

func (*streamedRowWriter) head(b []byte, rows engine.ResultSet) []byte {
	b = append(b, `[{"header":{"queryId":`...)
	b = format.AppendJSONString(b, rows.QueryID())
	b = append(b, `,"schema":`...)
	b = format.AppendJSONString(b, schemaText(rows.Columns()))
	return append(b, "}}"...)
}

func (*streamedRowWriter) row(b []byte, cols []engine.ResultColumn, row engine.ResultRow) []byte {
	b = append(b, ",\n"+`{"row":{"columns":`...)
	b = appendColumns(b, cols, row)
	if row.Tombstone {
		b = append(b, `,"tombstone":true`...)
	}
	return append(b, "}}"...)
}

func (*streamedRowWriter) end(b []byte, message string, err *apiError) []byte {
	switch {
	case err != nil:
		b = append(append(append(b, ",\n"+`{"errorMessage":`...), err.object()...), '}')
	case message != "":
		b = append(format.AppendJSONString(append(b, ",\n"+`{"finalMessage":`...), message), '}')
	}
	return append(b, ']')
}

// lineWriter writes a JSON value a line: first what the columns are, then an array a row. Tombstones have no form here.
type lineWriter struct{}

func (*lineWriter) head(b []byte, rows engine.ResultSet) []byte {
	return append(appendMetadata(b, rows), '\n')
}

func (*lineWriter) row(b []byte, cols []engine.ResultColumn, row engine.ResultRow) []byte {
	if row.Tombstone {
		return b
	}
	return append(appendColumns(b, cols, row), '\n')
}

func (*lineWriter) end(b []byte, _ string, err *apiError) []byte {
	if err != nil {
		b = append(append(b, err.object()...), '\n')
	}
	return b
}

// arrayWriter writes the values of lineWriter as one JSON array.
type arrayWriter struct{}

func (*arrayWriter) head(b []byte, rows engine.ResultSet) []byte {
	return appendMetadata(append(b, '['), rows)
}

func (*arrayWriter) row(b []byte, cols []engine.ResultColumn, row engine.ResultRow) []byte {
	if row.Tombstone {
		return b
	}
	return appendColumns(append(b, ",\n"...), cols, row)
}

func (*arrayWriter) end(b []byte, _ string, err *apiError) []byte {
	if err != nil {
		b = append(append(b, ",\n"...), err.object()...)
	}
	return append(b, ']')
}

// printWriter writes the lines of PRINT as they are.
type printWriter struct{}

func (printWriter) head(b []byte, _ engine.ResultSet) []byte { return b }

func (printWriter) row(b []byte, _ []engine.ResultColumn, row engine.ResultRow) []byte {
	for _, v := range row.Values {
		if line, ok := v.(string); ok {
			b = append(append(b, line...), '\n')
		}
	}
	return b
}

func (printWriter) end(b []byte, _ string, err *apiError) []byte {
	if err != nil {
		b = append(append(b, err.message...), '\n')
	}
	return b
}

func appendMetadata(b []byte, rows engine.ResultSet) []byte {
	b = format.AppendJSONString(append(b, `{"queryId":`...), rows.QueryID())
	b = append(b, `,"columnNames":[`...)
	for i, c := range rows.Columns() {
		if i > 0 {
			b = append(b, ',')
		}
		b = format.AppendJSONString(b, c.Name)
	}
	b = append(b, `],"columnTypes":[`...)
	for i, c := range rows.Columns() {
		if i > 0 {
			b = append(b, ',')
		}
		b = format.AppendJSONString(b, c.Type.String())
	}
	return append(b, "]}"...)
}

func appendColumns(b []byte, cols []engine.ResultColumn, row engine.ResultRow) []byte {
	b = append(b, '[')
	for i, c := range cols {
		if i > 0 {
			b = append(b, ',')
		}
		var v any
		if i < len(row.Values) { // a tombstone may end with its key
			v = row.Values[i]
		}
		b = appendValue(b, c.Type, v)
	}
	return append(b, ']')
}

// schemaText is the schema of a header: `ID` STRING KEY, `COUNT` BIGINT.
func schemaText(cols []engine.ResultColumn) string {
	s := types.Schema{}
	for _, c := range cols {
		role := types.RoleValue
		switch {
		case c.Key:
			role = types.RoleKey
		case c.Header:
			role = types.RoleHeader
		}
		s.Columns = append(s.Columns, types.Column{Name: c.Name, Type: c.Type, Role: role, HeaderKey: c.HeaderKey})
	}
	return s.String()
}
