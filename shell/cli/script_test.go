package cli

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/millrace/millrace/engine/child"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"millrace": func() {
			os.Exit(Main(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
		},
	})
}

// TestScripts runs the program as people do. Each script has a free address in ADDR and KAFKA, MILLRACE_SERVER points at ADDR, and
// MODELS is the folder of the model formats, each with its testdata.
func TestScripts(t *testing.T) {
	models, err := filepath.Abs("../../udf/model")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			addr, err := child.FreeAddress()
			if err != nil {
				return err
			}
			kafka, err := child.FreeAddress()
			if err != nil {
				return err
			}
			e.Setenv("ADDR", addr)
			e.Setenv("KAFKA", kafka)
			e.Setenv("MILLRACE_SERVER", "http://"+addr)
			e.Setenv("MILLRACE_HISTORY", e.WorkDir+"/history")
			e.Setenv("MODELS", models)
			e.Setenv("TERM", "xterm")
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits": exits,
			"await": await,
		},
	})
}

// exits CODE PROGRAM ARGS... runs a program that must end with the code.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// await waits until the server at ADDR answers.
func await(ts *testscript.TestScript, _ bool, _ []string) {
	url := "http://" + ts.Getenv("ADDR") + "/info"
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		resp, err := http.Get(url)
		if err == nil {
			resp.Body.Close()
			return
		}
	}
	ts.Fatalf("no server answers at %s", url)
}
