package bench

import (
	"strings"
	"testing"

	"github.com/millrace/millrace/udf/model/remote/remotetest"
)

// TestModelServer: the command asks the server so often, in batches of the sizes, and tells what it took.
func TestModelServer(t *testing.T) {
	server := remotetest.Start(t)
	var out strings.Builder
	m := ModelServerOptions{Kind: "oip", URI: server.URL + "/v2/models/line", Batches: []int{1, 300}, Rounds: 3}
	if err := ModelServer(t.Context(), Options{Out: &out}, m); err != nil {
		t.Fatal(err)
	}
	if n := server.Requests(); n != 8 || server.Rows()[7] != 300 {
		t.Errorf("%d requests of %v rows, not 4 of each size", n, server.Rows())
	}
	if text := out.String(); !strings.Contains(text, "test server 1.2") || strings.Count(text, "\n") < 5 {
		t.Errorf("it says %s", text)
	}
}
