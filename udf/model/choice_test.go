package model

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// picky is a backend that refuses every file for a reason, or none.
type picky struct {
	name string
	err  error
}

func (p picky) Name() string { return p.name }

func (p picky) Load(context.Context, Artifact, Options) (Scorer, error) { return nil, p.err }

// TestChoiceOfBackend wants the first backend that covers a file, why it is that one, and all that was missing where none does.
func TestChoiceOfBackend(t *testing.T) {
	lacking := picky{"first", &UnsupportedError{Backend: "first", Missing: []string{"If"}}}
	broken, fine := picky{"second", errors.New("line 3")}, picky{"second", nil}
	for _, c := range []struct {
		backends []Backend
		wish     string
		why, err string
	}{
		{[]Backend{fine, broken}, "", "it covers the whole model", ""},
		{[]Backend{lacking, fine}, "", "the first backend does not cover: If", ""},
		{[]Backend{lacking, fine}, "SECOND", "BACKEND names it", ""},
		{[]Backend{lacking, fine}, "first", "", "does not cover: If"},
		{[]Backend{lacking, broken}, "", "", "the first backend does not cover: If\nline 3"},
		{[]Backend{lacking, lacking}, "third", "", `no backend called "third"`},
	} {
		v, err := Load(context.Background(), c.backends, NewArtifact("m", []byte("x")), Options{Backend: c.wish})
		switch {
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%v: %v, want %q", c, err, c.err)
		case c.err == "" && (err != nil || v.Backend != "second" || v.Why != c.why):
			t.Errorf("%v: %+v, %v", c, v, err)
		}
	}
}
