package docs

import (
	"os"
	"regexp"
	"testing"
)

// TestDeployFlags: the flags that the chart, the compose file and the image give to a server are flags that it has. That operations.md
// lists just those is another test.
func TestDeployFlags(t *testing.T) {
	page := read(t, "operations.md")
	for _, file := range []string{
		"deploy/Dockerfile", "deploy/compose.yaml", "deploy/helm/millrace/templates/statefulset.yaml", "deploy/helm/millrace/ci/full-values.yaml",
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(`(?:"|- |\[)(--[a-z][a-z-]+)`).FindAllStringSubmatch(string(text), -1)
		if len(found) == 0 {
			t.Errorf("%s gives no flags", file)
		}
		for _, m := range found {
			if m[1] == "--server" { // the shell's
				continue
			}
			if !regexp.MustCompile("`" + m[1] + "[` ]").MatchString(page) {
				t.Errorf("%s: millrace server has no flag %s", file, m[1])
			}
		}
	}
}
