package backup

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/millrace/millrace/engine/command"
)

// format is the version of the file. Older ones are read, newer ones refused.
const format = 1

// maxLine bounds a line: a command is at most a broker's largest record, a chunk of a model is half a mebibyte.
const maxLine = 64 << 20

// maxGap bounds how many offsets of the command log lie beside those of commands and the markers behind them: Restore fills them one by one.
// Interrupted turns leave a few, a Restore that caught up one for each command that was lost.
const maxGap = 1 << 20

// ErrFile is wrapped by errors about a file that is no backup, or not a whole one.
var ErrFile = errors.New("this is not a whole backup")

// Summary is what a backup holds.
type Summary struct {
	Service  string
	Taken    time.Time
	Commands int
	Chunks   int // of models

	end int64 // behind the last command
}

// line is any line of the file; the field that is set says which.
type line struct {
	Head    *head    `json:"millraceBackup,omitempty"`
	Chunk   *chunk   `json:"model,omitempty"`
	Command *entry   `json:"command,omitempty"`
	End     *trailer `json:"end,omitempty"`
}

type head struct {
	Format  int    `json:"format"`
	Service string `json:"service"`
	Taken   string `json:"taken"` // RFC 3339
}

type chunk struct {
	Key   string `json:"key"`
	Time  int64  `json:"time"` // ms since the epoch
	Value []byte `json:"value"`
}

type entry struct {
	Offset int64           `json:"offset"`
	Time   int64           `json:"time"`
	Value  json.RawMessage `json:"value"`
}

type trailer struct {
	Commands int    `json:"commands"`
	Chunks   int    `json:"chunks"`
	SHA256   string `json:"sha256"`
}

// writer writes lines and sums them up.
type writer struct {
	w   *bufio.Writer
	sum hash.Hash
}

func newWriter(w io.Writer) *writer { return &writer{bufio.NewWriter(w), sha256.New()} }

func (w *writer) line(l line) error {
	if l.End != nil {
		l.End.SHA256 = hex.EncodeToString(w.sum.Sum(nil))
	}
	e := json.NewEncoder(io.MultiWriter(w.w, w.sum))
	e.SetEscapeHTML(false)
	if err := e.Encode(l); err != nil {
		return fmt.Errorf("write the backup: %w", err)
	}
	return nil
}

func (w *writer) close() error {
	if err := w.w.Flush(); err != nil {
		return fmt.Errorf("write the backup: %w", err)
	}
	return nil
}

// visitor is called for the lines of a file in their order.
type visitor struct {
	chunk   func(*chunk) error
	command func(*entry) error
}

// read goes through a file to its end and checks all that can be checked without a broker.
func read(r io.Reader, v visitor) (Summary, error) {
	var s Summary
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 1<<20), maxLine)
	sum := sha256.New()
	last := int64(-1)
	for n := 1; lines.Scan(); n++ {
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return s, fmt.Errorf("%w: line %d: %w", ErrFile, n, err)
		}
		if (n == 1) != (l.Head != nil) {
			return s, fmt.Errorf("%w: line %d is not what belongs there", ErrFile, n)
		}
		var err error
		switch {
		case l.Head != nil:
			err = s.begin(l.Head)
		case l.Chunk != nil:
			s.Chunks++
			err = v.chunk(l.Chunk)
		case l.Command != nil:
			s.Commands++
			if l.Command.Offset <= last {
				err = fmt.Errorf("%w: offset %d comes after %d", ErrFile, l.Command.Offset, last)
				break
			}
			last = l.Command.Offset
			s.end = last + 1
			if gap := last - 2*int64(s.Commands-1); gap > maxGap {
				err = fmt.Errorf("%w: command %d has offset %d, %d more than commands before it explain; at most %d are believed",
					ErrFile, s.Commands, last, gap, maxGap)
				break
			}
			err = v.command(l.Command)
		case l.End != nil:
			if l.End.Commands != s.Commands || l.End.Chunks != s.Chunks || l.End.SHA256 != hex.EncodeToString(sum.Sum(nil)) {
				return s, fmt.Errorf("%w: its end does not fit what stands before", ErrFile)
			}
			return s, nil
		default:
			err = fmt.Errorf("%w: it says nothing", ErrFile)
		}
		if err != nil {
			return s, fmt.Errorf("line %d: %w", n, err)
		}
		sum.Write(append(lines.Bytes(), '\n'))
	}
	return s, errors.Join(fmt.Errorf("%w: its end is missing", ErrFile), lines.Err())
}

func (s *Summary) begin(h *head) error {
	if h.Format < 1 || h.Format > format {
		return fmt.Errorf("%w that this release reads: its format is %d, this release knows up to %d", ErrFile, h.Format, format)
	}
	taken, err := time.Parse(time.RFC3339, h.Taken)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFile, err)
	}
	s.Service, s.Taken = h.Service, taken
	return nil
}

// Check reads a backup and says what it holds, or what is wrong with it.
func Check(r io.Reader) (Summary, error) {
	return read(r, visitor{
		chunk: func(*chunk) error { return nil },
		command: func(e *entry) error {
			_, err := command.Unmarshal(e.Value)
			return err
		},
	})
}
