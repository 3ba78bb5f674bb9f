// Package server is the HTTP face of an engine: ksqlDB's REST API on one port, over HTTP/1.1 and prior-knowledge HTTP/2.
//
//	s := server.New(e, server.Config{Addr: "127.0.0.1:8088"})
//	err := s.Serve(ctx, listener)
//
// Every endpoint is one file named for it. A handler returns an error instead of writing one; the wrapper in handler.go makes the
// error object of it, which is the only form in which a client meets a failure. Handlers that stream write rows as the engine hands
// them over, one flush a batch, and end when the query does, the client goes away, or the server shuts down.
//
// All input is taken to be hostile. Requests that name a foreign host or come from a foreign origin are refused before anything
// is read (guard.go), so that a web page cannot reach a server on loopback; bodies, headers and times are bounded; a panic costs one
// request. Requests are logged by route, never by content: statements may hold secrets.
package server
