package embedded

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// guard stands between a socket and kfake, which allocates whatever size a request claims, panics on a request key that
// it does not know, and makes as many partitions as it is asked for. The guard reads the first eight bytes of every
// request itself, and all of those that create partitions, and passes only what kfake can take; anything else ends the
// connection.
type guard struct {
	net.Conn
	limit int // bytes of one request

	head [headBytes]byte
	have []byte // read, not passed on yet
	left int    // bytes of the current request behind what was read
}

// headBytes: size int32, key int16, version int16. The size does not count itself.
const headBytes = 8

const (
	createTopics     = 19
	createPartitions = 37
	maxCreateBytes   = 1 << 20
	maxPartitions    = 1000 // of one topic
)

// apiVersions may come in any version: clients ask it first to learn which versions there are.
const apiVersions = 18

func newGuard(conn net.Conn, limit int) *guard { return &guard{Conn: conn, limit: limit} }

// Read implements net.Conn. kfake reads a connection from one goroutine at a time.
func (g *guard) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	if len(g.have) == 0 && g.left == 0 {
		if err := g.next(); err != nil {
			return 0, err
		}
	}
	if len(g.have) > 0 {
		n := copy(b, g.have)
		g.have = g.have[n:]
		return n, nil
	}
	n, err := g.Conn.Read(b[:min(len(b), g.left)])
	g.left -= n
	return n, err
}

// next reads the head of a request and judges it.
func (g *guard) next() error {
	if _, err := io.ReadFull(g.Conn, g.head[:]); err != nil {
		return err
	}
	size := int(int32(binary.BigEndian.Uint32(g.head[0:])))
	key := int16(binary.BigEndian.Uint16(g.head[4:]))
	version := int16(binary.BigEndian.Uint16(g.head[6:]))
	if err := judge(size, key, version, g.limit); err != nil {
		return fmt.Errorf("embedded broker: refused a request from %s: %w", g.RemoteAddr(), err)
	}
	g.have, g.left = g.head[:], size-(headBytes-4)
	if key != createTopics && key != createPartitions {
		return nil
	}
	if size > maxCreateBytes {
		return fmt.Errorf("embedded broker: refused a request of %d bytes to create topics", size)
	}
	body := make([]byte, headBytes+g.left)
	copy(body, g.head[:])
	if _, err := io.ReadFull(g.Conn, body[headBytes:]); err != nil {
		return err
	}
	g.have, g.left = body, 0
	return judgeCreate(body[headBytes:], key, version)
}

// minRequestBytes: key, version, correlation id.
const minRequestBytes = 8

func judge(size int, key, version int16, limit int) error {
	req := kmsg.RequestForKey(key)
	switch {
	case size < minRequestBytes || size > limit:
		return fmt.Errorf("size %d, may be %d to %d", size, minRequestBytes, limit)
	case req == nil:
		return fmt.Errorf("unknown request key %d", key)
	case version < 0, version > req.MaxVersion() && key != apiVersions:
		return fmt.Errorf("request key %d has no version %d", key, version)
	}
	return nil
}

// judgeCreate reads the rest of a request that creates partitions: correlation id, client id, then the request itself.
func judgeCreate(rest []byte, key, version int16) error {
	req := kmsg.RequestForKey(key)
	req.SetVersion(version)
	r := kbin.Reader{Src: rest}
	r.Int32()
	r.NullableString()
	if req.IsFlexible() {
		kmsg.SkipTags(&r)
	}
	if err := req.ReadFrom(r.Src); err != nil {
		return fmt.Errorf("embedded broker: read request %d: %w", key, err)
	}
	most := int32(0)
	switch req := req.(type) {
	case *kmsg.CreateTopicsRequest:
		for _, t := range req.Topics {
			most = max(most, t.NumPartitions, int32(len(t.ReplicaAssignment)))
		}
	case *kmsg.CreatePartitionsRequest:
		for _, t := range req.Topics {
			most = max(most, t.Count)
		}
	}
	if most > maxPartitions {
		return fmt.Errorf("embedded broker: refused to create %d partitions, may be up to %d", most, maxPartitions)
	}
	return nil
}
