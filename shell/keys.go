package shell

import (
	"bytes"
	"io"
)

// keyFilter stands between the terminal and readline and turns the key sequences that readline v1.5.1 mistakes into ones it knows:
// Home and End in tmux, Ctrl and Alt with arrows, Delete (which it takes for Ctrl-D on an empty line), arrows in vi mode. It also
// follows bracketed paste, in which a tab is a character and no completion.
type keyFilter struct {
	in      io.ReadCloser
	out     bytes.Buffer
	pasting bool
	buf     [4096]byte
	pending []byte // the beginning of a sequence
}

// keyDelete is Delete on its way through readline's decoder: a private rune that terminal.go turns back.
const keyDelete = '\uE003'

// pastedTab is what a tab in pasted text becomes.
const pastedTab = "    "

// Control characters that readline understands: C-a, C-e, C-p, C-n, C-f, C-b; and M-f, M-b.
var keySequences = map[string]string{
	"\x1b[1~": "\x01", "\x1b[7~": "\x01", "\x1b[H": "\x01", "\x1bOH": "\x01", // Home
	"\x1b[4~": "\x05", "\x1b[8~": "\x05", "\x1b[F": "\x05", "\x1bOF": "\x05", // End
	"\x1b[3~": string(keyDelete),
	"\x1b[A":  "\x10", "\x1b[B": "\x0e", "\x1b[C": "\x06", "\x1b[D": "\x02", // arrows
	"\x1bOA": "\x10", "\x1bOB": "\x0e", "\x1bOC": "\x06", "\x1bOD": "\x02",
	"\x1b[1;5C": "\x1bf", "\x1b[1;5D": "\x1bb", "\x1b[1;3C": "\x1bf", "\x1b[1;3D": "\x1bb", // Ctrl and Alt with arrows
}

// Read implements io.Reader.
func (k *keyFilter) Read(p []byte) (int, error) {
	for k.out.Len() == 0 {
		n, err := k.in.Read(k.buf[:])
		k.pending = append(k.pending, k.buf[:n]...)
		k.drain()
		if err != nil && k.out.Len() == 0 {
			return 0, err
		}
	}
	return k.out.Read(p)
}

// Close implements io.Closer.
func (k *keyFilter) Close() error { return k.in.Close() }

// drain moves what is whole from pending to out.
func (k *keyFilter) drain() {
	for len(k.pending) > 0 {
		if k.pending[0] != '\x1b' {
			if c := k.pending[0]; k.pasting && c == '\t' {
				k.out.WriteString(pastedTab)
			} else {
				k.out.WriteByte(c)
			}
			k.pending = k.pending[1:]
			continue
		}
		n := sequenceLen(k.pending)
		if n == 0 {
			return
		}
		seq := string(k.pending[:n])
		k.pending = k.pending[n:]
		k.sequence(seq)
	}
}

func (k *keyFilter) sequence(seq string) {
	switch known, ok := keySequences[seq]; {
	case seq == "\x1b[200~":
		k.pasting = true
	case seq == "\x1b[201~":
		k.pasting = false
	case ok:
		k.out.WriteString(known)
	case len(seq) > 2: // a key that nobody asked for
	default:
		k.out.WriteString(seq)
	}
}

// maxSequence bounds a sequence that never ends.
const maxSequence = 32

// sequenceLen is the length of the escape sequence that b begins with, or 0 if more of it has to come. A lone escape at
// the end of a read is the Escape key.
func sequenceLen(b []byte) int {
	if len(b) < 2 {
		return 1
	}
	switch b[1] {
	case '[':
		for i := 2; i < len(b); i++ {
			if b[i] >= 0x40 && b[i] <= 0x7e || i == maxSequence {
				return i + 1
			}
		}
		return 0
	case 'O':
		if len(b) < 3 {
			return 0
		}
		return 3
	}
	return 2
}
