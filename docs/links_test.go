package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	link    = regexp.MustCompile(`\[([^\]]*)\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`^#+ (.*)$`)
	// codeLink is a rule code that leads to the errors.
	codeLink = regexp.MustCompile("\\[`([a-z.-]+)`\\]\\([./]*errors\\.md#([a-z-]+)\\)")
)

// prose is a page without its code blocks, line by line.
func prose(text string) []string {
	lines := strings.Split(text, "\n")
	for _, f := range fences(text) {
		clear(lines[f.line-1 : f.end])
	}
	return lines
}

// anchors are the names that a page's headings get where it is shown.
func anchors(text string) map[string]bool {
	out := map[string]bool{}
	for _, line := range prose(text) {
		m := heading.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
				return r
			}
			return -1
		}, strings.ToLower(link.ReplaceAllString(m[1], "$1")))
		for i := 1; out[name]; i++ {
			name = fmt.Sprintf("%s-%d", strings.TrimSuffix(name, fmt.Sprintf("-%d", i-1)), i)
		}
		out[name] = true
	}
	return out
}

// TestLinks follows every relative link of every page, to its file and its heading.
func TestLinks(t *testing.T) {
	seen := 0
	for _, path := range pages(t) {
		for i, line := range prose(read(t, path)) {
			for _, m := range link.FindAllStringSubmatch(line, -1) {
				if strings.Contains(m[2], "://") {
					continue
				}
				seen++
				if err := follow(t, path, m[2]); err != nil {
					t.Errorf("%s:%d: %v", path, i+1, err)
				}
			}
		}
	}
	if seen < 100 {
		t.Errorf("only %d links found: the search is broken", seen)
	}
}

func follow(t *testing.T, from, to string) error {
	file, anchor, _ := strings.Cut(to, "#")
	target := from
	if file != "" {
		target = filepath.Join(filepath.Dir(from), file)
	}
	if _, err := os.Stat(target); err != nil {
		return fmt.Errorf("link to %s: %w", to, err)
	}
	if anchor != "" && !anchors(read(t, target))[anchor] {
		return fmt.Errorf("link to %s: there is no such heading", to)
	}
	return nil
}

// TestCodeLinks checks that a code which leads to a group of errors.md is explained there.
func TestCodeLinks(t *testing.T) {
	groups, group := map[string]string{}, ""
	for line := range strings.Lines(read(t, "errors.md")) {
		if m := heading.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			for group = range anchors(strings.TrimSpace(line)) {
			}
		}
		for _, re := range []*regexp.Regexp{refusal, listed} {
			if m := re.FindStringSubmatch(line); m != nil {
				groups[m[1]] = group
			}
		}
	}
	seen := 0
	for _, path := range pages(t) {
		for i, line := range prose(read(t, path)) {
			for _, m := range codeLink.FindAllStringSubmatch(line, -1) {
				seen++
				if groups[m[1]] != m[2] {
					t.Errorf("%s:%d: %s leads to %s, and stands in %q", path, i+1, m[1], m[2], groups[m[1]])
				}
			}
		}
	}
	if seen < 50 {
		t.Errorf("only %d codes found: the search is broken", seen)
	}
}
