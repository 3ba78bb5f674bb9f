package format

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/millrace/millrace/sql/plan"
)

// A windowed key is the key's own bytes followed by its window, in milliseconds since the epoch, big endian:
// the start alone where the size is known (TUMBLING, HOPPING), the end and then the start for SESSION.

// AppendWindow adds the window to an encoded key.
func AppendWindow(dst []byte, w plan.WindowInfo, start, end int64) []byte {
	if w.Kind == plan.Session {
		dst = binary.BigEndian.AppendUint64(dst, uint64(end))
	}
	return binary.BigEndian.AppendUint64(dst, uint64(start))
}

// SplitWindow takes the window off a windowed key and returns the key's own bytes, which alias the argument. The end of
// a time window is WindowEnd.
func SplitWindow(key []byte, w plan.WindowInfo) (inner []byte, start, end int64, err error) {
	n := WindowLen(w)
	if len(key) < n {
		return nil, 0, 0, fmt.Errorf("windowed key of %d bytes: %s window needs %d", len(key), w.Kind, n)
	}
	inner = key[:len(key)-n]
	start = int64(binary.BigEndian.Uint64(key[len(key)-8:]))
	if w.Kind == plan.Session {
		return inner, start, int64(binary.BigEndian.Uint64(key[len(inner):])), nil
	}
	return inner, start, WindowEnd(w, start), nil
}

// WindowEnd is where a time window ends that starts at an instant, or the largest instant if that overflows.
func WindowEnd(w plan.WindowInfo, start int64) int64 {
	if end := start + w.Size.Milliseconds(); end >= start {
		return end
	}
	return math.MaxInt64
}

// WindowLen is the number of bytes that a window takes at the end of a key.
func WindowLen(w plan.WindowInfo) int {
	if w.Kind == plan.Session {
		return 16
	}
	return 8
}
