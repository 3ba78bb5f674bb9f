package pull

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/state/codec"
)

// Request asks another server of the service for a pull query's rows in some partitions. Both analyze the same text; what they then find out
// about the query must agree.
type Request struct {
	Service    string            `json:"service"`
	Command    int64             `json:"command"` // commands below it must have been applied
	SQL        string            `json:"sql"`     // one SELECT
	Properties map[string]string `json:"properties,omitempty"`
	Query      string            `json:"query"`   // incarnation of the query that keeps the table
	Columns    string            `json:"columns"` // of the answer's rows, as a schema
	Partitions []int32           `json:"partitions"`
	// Standby says that a copy will do where the server is not the owner, if it lacks at most MaxLag offsets of its changelog.
	Standby bool  `json:"standby,omitempty"`
	MaxLag  int64 `json:"maxLag,omitempty"`
}

// MediaType is that of an answer: frames, each a byte that says what it is, the length of what follows, and that.
//
//	r  a row, in the stored form of package codec
//	d  the number of a partition all of whose rows were sent
//	m  the number of a partition that is not here
//	e  why the answer ends without the rest
//	z  the end; an answer without it broke off
const MediaType = "application/vnd.millrace.rows"

const (
	frameRow   = 'r'
	frameDone  = 'd'
	frameMoved = 'm'
	frameError = 'e'
	frameEnd   = 'z'
)

// maxFrame bounds what a reader takes at once. A row is never larger than the records it was made of, but for long lists.
const maxFrame = 256 << 20

// sendAt is how much a writer gathers.
const sendAt = 32 << 10

// Writer writes an answer. It belongs to one goroutine.
type Writer struct {
	to    io.Writer
	flush func() error
	row   *codec.Row
	one   []byte
	buf   []byte
	began bool
}

// NewWriter returns a writer to a connection; flush sends what was written to it.
func NewWriter(to io.Writer, flush func() error) *Writer { return &Writer{to: to, flush: flush} }

// Columns sets the types of the rows that follow.
func (w *Writer) Columns(cols []*types.Type) { w.row = codec.NewRow(cols) }

// Began says that something was sent: from then on an error has its place in the answer.
func (w *Writer) Began() bool { return w.began }

// Rows writes rows with the columns that were set, at most limit of them.
func (w *Writer) Rows(b *vector.Batch, limit int) error {
	for i := range min(b.Rows(), limit) {
		w.one = w.row.Append(w.one[:0], b.Cols, b.Row(i))
		w.frame(frameRow, w.one)
		if len(w.buf) >= sendAt {
			if err := w.send(); err != nil {
				return err
			}
		}
	}
	return nil
}

// Done says that a partition's rows were written; it is sent at once, so that a reader knows where it stands.
func (w *Writer) Done(partition int32) error { return w.number(frameDone, partition) }

// Moved says that a partition is not here.
func (w *Writer) Moved(partition int32) error { return w.number(frameMoved, partition) }

func (w *Writer) number(kind byte, n int32) error {
	w.frame(kind, binary.AppendUvarint(nil, uint64(n)))
	return w.send()
}

// Fail ends an answer that began with an error.
func (w *Writer) Fail(cause error) error {
	w.frame(frameError, []byte(cause.Error()))
	return w.send()
}

// End ends an answer.
func (w *Writer) End() error {
	w.frame(frameEnd, nil)
	return w.send()
}

func (w *Writer) frame(kind byte, data []byte) {
	w.buf = append(binary.AppendUvarint(append(w.buf, kind), uint64(len(data))), data...)
}

func (w *Writer) send() error {
	w.began = true
	_, err := w.to.Write(w.buf)
	w.buf = w.buf[:0]
	if err == nil {
		err = w.flush()
	}
	if err != nil {
		return fmt.Errorf("send rows to another server: %w", err)
	}
	return nil
}

// reader reads an answer.
type reader struct {
	from *bufio.Reader
	row  *codec.Row
	cols []*types.Type
	buf  []byte
}

func newReader(from io.Reader, cols []*types.Type) *reader {
	return &reader{from: bufio.NewReaderSize(from, 64<<10), row: codec.NewRow(cols), cols: cols}
}

// next reads a frame; its data is valid until the next call.
func (r *reader) next() (kind byte, data []byte, err error) {
	if kind, err = r.from.ReadByte(); err != nil {
		return 0, nil, broken(err)
	}
	n, err := binary.ReadUvarint(r.from)
	switch {
	case err != nil:
		return 0, nil, broken(err)
	case n > maxFrame:
		return 0, nil, fmt.Errorf("a row of %d bytes is too large", n)
	case n > uint64(cap(r.buf)):
		r.buf = make([]byte, n)
	}
	r.buf = r.buf[:n]
	if _, err := io.ReadFull(r.from, r.buf); err != nil {
		return 0, nil, broken(err)
	}
	return kind, r.buf, nil
}

// broken names what an early end is.
func broken(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("the answer broke off: %w", err)
}

// batch collects rows.
func (r *reader) batch() *vector.Batch {
	b := &vector.Batch{}
	for _, t := range r.cols {
		b.Cols = append(b.Cols, vector.New(t))
	}
	return b
}

func partitionOf(data []byte) (int32, error) {
	n, size := binary.Uvarint(data)
	if size <= 0 || n > 1<<31-1 {
		return 0, errors.New("a partition's number cannot be read")
	}
	return int32(n), nil
}
