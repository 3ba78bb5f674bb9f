package shell

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// historyFile keeps statements between sessions, one a line, readable by its owner alone and without lines that look like they
// hold a secret.
type historyFile struct {
	path    string // "": nowhere
	entries []string
}

const maxHistory = 1000

var secret = regexp.MustCompile(`(?i)password|passwd|secret|token|credential|api[._-]?key|sasl\.jaas|basic\.auth`)

// openHistory reads the file and cuts it to its newest lines.
func openHistory(path string) (*historyFile, error) {
	h := &historyFile{path: path}
	if path == "" {
		return h, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("open history: %w", err)
	}
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open history: %w", err)
	}
	lines := bufio.NewScanner(strings.NewReader(string(b)))
	lines.Buffer(nil, len(b)+1)
	for lines.Scan() {
		if lines.Text() != "" {
			h.entries = append(h.entries, lines.Text())
		}
	}
	if over := len(h.entries) - maxHistory; over > 0 {
		h.entries = h.entries[over:]
	}
	return h, h.rewrite()
}

func (h *historyFile) rewrite() error {
	var b strings.Builder
	for _, e := range h.entries {
		b.WriteString(e + "\n")
	}
	if err := os.WriteFile(h.path, []byte(b.String()), 0o600); err != nil {
		return fmt.Errorf("write history: %w", err)
	}
	// A file that was there keeps its mode, whatever it was.
	if err := os.Chmod(h.path, 0o600); err != nil {
		return fmt.Errorf("write history: %w", err)
	}
	return nil
}

// add remembers a statement as one line, since readline cannot show more, and returns that; "" if it is not to be remembered.
func (h *historyFile) add(statement string) (string, error) {
	line := oneLine(statement)
	if line == "" || secret.MatchString(line) || len(h.entries) > 0 && h.entries[len(h.entries)-1] == line {
		return "", nil
	}
	h.entries = append(h.entries, line)
	if h.path == "" {
		return line, nil
	}
	f, err := os.OpenFile(h.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return line, fmt.Errorf("write history: %w", err)
	}
	_, err = f.WriteString(line + "\n")
	if err = errors.Join(err, f.Close()); err != nil {
		return line, fmt.Errorf("write history: %w", err)
	}
	return line, nil
}
