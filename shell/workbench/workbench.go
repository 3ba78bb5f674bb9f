// Package workbench is what `millrace model` does with a model file before it meets a stream: see it (Inspect), try it on
// rows of a CSV file (Score) and time it (Bench). It loads the file as CREATE MODEL would, so what works here works there.
package workbench

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/millrace/millrace/udf/model"
	"github.com/millrace/millrace/udf/model/native"
	"github.com/millrace/millrace/udf/model/ort"
)

// Loader says who scores files.
type Loader struct {
	Backend string // native or ort; "": the first that covers a file
	Runtime string // ONNX Runtime's library; "": the system's
}

// load loads a file as the server would.
func (l Loader) load(ctx context.Context, a model.Artifact) (*model.Version, error) {
	backends := []model.Backend{native.Backend{}, ort.Backend{Path: l.Runtime}}
	return model.Load(ctx, backends, a, model.Options{Backend: l.Backend})
}

// readFile reads no more than a model may have.
func readFile(path string) (model.Artifact, error) {
	f, err := os.Open(path)
	if err != nil {
		return model.Artifact{}, fmt.Errorf("read model: %w", err)
	}
	b, err := io.ReadAll(io.LimitReader(f, model.DefaultMaxBytes+1))
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return model.Artifact{}, fmt.Errorf("read model %s: %w", path, err)
	}
	return model.NewArtifact(filepath.Base(path), b), nil
}

func (l Loader) open(ctx context.Context, path string) (*model.Version, error) {
	a, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return l.load(ctx, a)
}

// Inspect prints what a file is, what it holds, and what PREDICT takes and returns. What is known of a model that cannot
// be scored is printed too, before the error that says why not.
func (l Loader) Inspect(ctx context.Context, path string, out io.Writer) error {
	a, err := readFile(path)
	if err != nil {
		return err
	}
	format, facts, err := native.Facts(a.Bytes, model.DefaultMaxBytes)
	if err != nil {
		return fmt.Errorf("inspect model %s: %w", path, err)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := func(name string, value any) {
		_, _ = fmt.Fprintf(w, "%s\t%s\n", name, printable(fmt.Sprint(value))) // Flush tells of errors
	}
	line("file", a.Name)
	line("format", format)
	line("size", fmt.Sprintf("%d bytes", len(a.Bytes)))
	line("sha256", a.SHA256)
	for _, f := range facts {
		line(f.Name, f.Value)
	}
	v, err := l.load(ctx, a)
	if err != nil {
		line("backend", "none")
		if flushed := w.Flush(); flushed != nil {
			return flushed
		}
		return err
	}
	line("backend", v.Backend)
	sig := v.Scorer.Signature()
	for _, t := range sig.Inputs {
		line("input", t.Describe())
	}
	for _, t := range sig.Outputs {
		line("output", t)
	}
	args := sig.ArgTypes()
	b, err := model.Bind("it", v.Scorer, args)
	if err != nil {
		return err
	}
	line("call", "PREDICT("+strings.Join(append([]string{"model"}, argumentNames(sig)...), ", ")+")")
	line("returns", b.Result)
	return w.Flush()
}

// printable keeps names in a file from steering the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

// argumentNames names the arguments of PREDICT as the file names columns and inputs, or by number.
func argumentNames(sig model.Signature) []string {
	var names []string
	for _, t := range sig.Inputs {
		switch {
		case t.Columns != nil:
			names = append(names, t.Columns...)
		case t.Width() == 1:
			names = append(names, t.Name)
		default:
			for i := range t.Width() {
				names = append(names, fmt.Sprintf("%s%d", strings.ToLower(t.Name), i+1))
			}
		}
	}
	return names
}
