// Package engine runs streaming SQL: it is the whole of Millrace but its faces, and a library too.
//
//	e, err := engine.Open(ctx, engine.Options{DataDir: "data"})
//	entities, err := e.Execute(ctx, engine.Request{SQL: "CREATE STREAM s (id INT KEY, v DOUBLE) WITH (...);"})
//	rows, err := e.Query(ctx, engine.Request{SQL: "SELECT * FROM s EMIT CHANGES;"})
//
// A statement goes from parser to analyzer to optimizer; what defines something (DDL, a persistent query, a model) is
// appended to the command log, a Kafka topic that every server of the service replays, and takes effect when it is read
// back from there. Running queries are tasks that engine/cluster drives slot by slot.
package engine
