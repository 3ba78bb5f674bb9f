package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millrace/millrace/engine"
)

// TestModelServerFlags: tokens come from a file, which may be renewed, or from the environment, and are in no error.
func TestModelServerFlags(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("first\n")
	t.Setenv("A_MODEL_TOKEN", "from-the-environment")
	var o engine.Options
	m := modelServers{tokens: []string{"a:1=" + file, "b=env:A_MODEL_TOKEN"}}
	if err := m.apply(&o); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"first", "second"} {
		write(want)
		if got, err := o.ModelTokens["a:1"](); err != nil || got != want {
			t.Errorf("got %q, %v", got, err)
		}
	}
	if got, err := o.ModelTokens["b"](); err != nil || got != "from-the-environment" {
		t.Errorf("got %q, %v", got, err)
	}
	for _, wrong := range []modelServers{
		{tokens: []string{"s3cret"}}, {tokens: []string{"a="}}, {tokens: []string{"a=env:NO_SUCH_VARIABLE"}}, {tokens: []string{"a=" + file + "2"}}, {ca: file},
	} {
		if err := wrong.apply(&o); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
}
