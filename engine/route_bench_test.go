package engine

import (
	"errors"
	"fmt"
	"io"
	"testing"
)

// BenchmarkPull asks a server for keys that it has, and for keys that another has.
func BenchmarkPull(b *testing.B) {
	broker := testBroker(b)
	servers := []*testServer{openServer(b, broker, b.TempDir()), openServer(b, broker, b.TempDir())}
	execute(b, servers[0].Engine, everyType)
	execute(b, servers[0].Engine, everyTypeRows(20))
	spread(b, servers...)
	for i := range 20 {
		eventually(b, servers[0].Engine, fmt.Sprintf("SELECT n FROM moved WHERE i = %d;", i), "1")
	}
	var local, remote string
	for i := range 20 {
		sql := fmt.Sprintf("SELECT n FROM moved WHERE i = %d;", i)
		before := servers[1].asks.Load()
		rows(b, servers[0].Engine, sql, -1)
		if servers[1].asks.Load() > before {
			remote = sql
		} else {
			local = sql
		}
	}
	for name, sql := range map[string]string{"local": local, "forwarded": remote, "scan": "SELECT * FROM moved;"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				rs, err := servers[0].Query(b.Context(), Request{SQL: sql})
				if err != nil {
					b.Fatal(err)
				}
				for err == nil {
					_, err = rs.Next(b.Context())
				}
				if !errors.Is(err, io.EOF) {
					b.Fatal(err)
				}
				_ = rs.Close()
			}
		})
	}
}
