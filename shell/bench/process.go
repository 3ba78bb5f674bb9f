package bench

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// opened counts what a process has open.
type opened struct {
	sockets int // that are connected to somebody
	files   int
}

// descriptors looks at what a server has open, by Linux's /proc. Connections that others have opened to its API are not counted.
func (s *server) descriptors() (o opened, err error) {
	dir := fmt.Sprintf("/proc/%d", s.PID())
	entries, err := os.ReadDir(filepath.Join(dir, "fd"))
	if err != nil {
		return o, fmt.Errorf("list open files: %w", err)
	}
	own := map[string]bool{}
	for _, e := range entries {
		to, err := os.Readlink(filepath.Join(dir, "fd", e.Name()))
		switch inode, socket := strings.CutPrefix(to, "socket:["); {
		case err != nil: // closed meanwhile
		case socket:
			own[strings.TrimSuffix(inode, "]")] = true
		case strings.HasPrefix(to, "/"):
			o.files++
		}
	}
	_, port, _ := strings.Cut(strings.TrimPrefix(s.api.URL, "http://"), ":")
	for _, table := range []string{"net/tcp", "net/tcp6"} {
		n, err := established(filepath.Join(dir, table), port, own)
		if err != nil {
			return o, err
		}
		o.sockets += n
	}
	return o, nil
}

// established counts the connections of a table of sockets (proc_net_tcp(5)) that belong to the process and were not made to its own port.
func established(table, port string, own map[string]bool) (n int, err error) {
	f, err := os.Open(table)
	if err != nil {
		return 0, fmt.Errorf("list connections: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	var local int
	if _, err := fmt.Sscan(port, &local); err != nil {
		return 0, fmt.Errorf("list connections: port %q: %w", port, err)
	}
	suffix := fmt.Sprintf(":%04X", local)
	sc := bufio.NewScanner(f)
	for sc.Scan() {
		fields := strings.Fields(sc.Text()) // number, local address, remote address, state, ..., inode
		const connected = "01"
		if len(fields) > 9 && fields[3] == connected && own[fields[9]] && !strings.HasSuffix(fields[1], suffix) {
			n++
		}
	}
	return n, sc.Err()
}
