package server

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// guard tells requests that are meant for this server from those that a web page sends behind its user's back. A page of another
// site can make a browser send requests to a loopback address, either openly, with an Origin of its own, or by pointing its own
// host name at that address, which shows in Host. Programs send no Origin, and a Host that they were told.
type guard struct{ hosts map[string]bool }

func newGuard(addr string, more []string) guard {
	g := guard{hosts: map[string]bool{"localhost": true}}
	for _, h := range append([]string{addr}, more...) {
		if name := hostName(h); name != "" {
			g.hosts[name] = true
		}
	}
	return g
}

// hostName is the lower-case name or address in host[:port].
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// known says whether the host is one of ours. An address is, if it is loopback's or the one at which the request came in: unlike a name
// it cannot be pointed elsewhere.
func (g guard) known(host string, local net.Addr) bool {
	name := hostName(host)
	if g.hosts[name] {
		return true
	}
	ip, err := netip.ParseAddr(name)
	if err != nil {
		return false
	}
	if ip.Unmap().IsLoopback() {
		return true
	}
	tcp, ok := local.(*net.TCPAddr)
	return ok && tcp.AddrPort().Addr().Unmap() == ip.Unmap()
}

// refuse returns the reason for not answering the request, or "".
func (g guard) refuse(r *http.Request) string {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !g.known(r.Host, local) {
		return "the request asks for a host that this server does not answer for; allow it with --allow-host"
	}
	for _, origin := range r.Header.Values("Origin") {
		u, err := url.Parse(origin)
		if err != nil || u.Host == "" || !g.known(u.Host, local) {
			return "requests from web pages of other sites are not answered; allow the site's host with --allow-host"
		}
	}
	return ""
}

func (s *Server) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if reason := s.guard.refuse(r); reason != "" {
			s.writeError(w, &apiError{code: codeForbidden, message: reason})
			return
		}
		next.ServeHTTP(w, r)
	})
}
