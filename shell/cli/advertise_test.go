package cli

import (
	"net"
	"net/netip"
	"testing"
)

func TestAdvertise(t *testing.T) {
	for _, c := range []struct{ listening, flag, url, host string }{
		{"127.0.0.1:8088", "", "http://127.0.0.1:8088", "127.0.0.1:8088"},
		{"[::1]:8088", "", "http://[::1]:8088", "[::1]:8088"},
		{"0.0.0.0:8088", "", "", ""},
		{"[::]:8088", "", "", ""},
		{"0.0.0.0:8088", "http://one.example:80/", "http://one.example:80", "one.example:80"},
		{"127.0.0.1:8088", "https://one.example", "https://one.example", "one.example"},
		{"127.0.0.1:8088", "one.example:8088", "error", ""},
		{"127.0.0.1:8088", "ftp://one.example", "error", ""},
		{"127.0.0.1:8088", "http://one.example/path", "error", ""},
		{"127.0.0.1:8088", "http://one.example?x", "error", ""},
	} {
		var o serverOptions
		o.engine.Advertise = c.flag
		host, err := o.advertise(net.TCPAddrFromAddrPort(netip.MustParseAddrPort(c.listening)))
		if err != nil {
			o.engine.Advertise = "error"
		}
		if o.engine.Advertise != c.url || host != c.host {
			t.Errorf("listening at %s with %q: %q for host %q", c.listening, c.flag, o.engine.Advertise, host)
		}
	}
}
