package bench

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"time"

	"github.com/millrace/millrace/udf/model"
)

// contestant does a piece of work so many times and tells the CPU time that took: time that other programs get in between does not
// count.
type contestant interface {
	repeat(times int) (time.Duration, error)
}

// inProcess is a contestant of this process.
type inProcess func() error

func (run inProcess) repeat(times int) (time.Duration, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	start, err := threadTime()
	if err != nil {
		return 0, fmt.Errorf("read the CPU time: %w", err)
	}
	for range times {
		if err := run(); err != nil {
			return 0, err
		}
	}
	end, err := threadTime()
	return end - start, err
}

// calibrate finds how often a contestant must work to take about so long.
func calibrate(c contestant, d time.Duration) (times int, err error) {
	if _, err := c.repeat(2); err != nil { // the first run allocates
		return 0, err
	}
	for times = 1; ; times *= 2 {
		took, err := c.repeat(times)
		if err != nil || took > d/2 || times >= 1<<24 {
			return times, err
		}
	}
}

// contest has contestants work in turns, so that what slows the machine down slows all of them. It returns, by contestant, the
// nanoseconds of one run in each round.
func contest(list []contestant, rounds int, d time.Duration) ([][]float64, error) {
	times, took := make([]int, len(list)), make([][]float64, len(list))
	for i, c := range list {
		var err error
		if times[i], err = calibrate(c, d); err != nil {
			return nil, err
		}
	}
	for r := range rounds {
		for k := range list {
			i := (k + r) % len(list) // each is the first one once
			t, err := list[i].repeat(times[i])
			if err != nil {
				return nil, err
			}
			took[i] = append(took[i], float64(t.Nanoseconds())/float64(times[i]))
		}
	}
	return took, nil
}

// median of values in any order.
func median(values []float64) float64 {
	s := slices.Sorted(slices.Values(values))
	return quantile(s, 0.5)
}

// ratios compares two contestants round by round: how many times a is b.
func ratios(a, b []float64) []float64 {
	out := make([]float64, len(a))
	for i := range a {
		out[i] = a[i] / b[i]
	}
	return out
}

//go:embed direct.py
var directScript string

// python is ONNX Runtime in a Python process of its own.
type python struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func startPython(program string) (*python, error) {
	p := &python{cmd: exec.Command(program, "-c", directScript)}
	p.cmd.Stderr = os.Stderr
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	p.out = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	return p, nil
}

func (p *python) close() {
	_ = p.in.Close() // it ends then
	_ = p.cmd.Wait()
}

type pythonInput struct {
	Name  string  `json:"name"`
	Type  string  `json:"type"`
	Shape []int64 `json:"shape"`
	Data  any     `json:"data"`
}

// load gives the process a model and rows.
func (p *python) load(path string, sig model.Signature, in []model.Column, rows int) error {
	var inputs []pythonInput
	for i, t := range sig.Inputs {
		data := map[model.ElemType]any{
			model.Float32: in[i].Float32, model.Float64: in[i].Float64, model.Int64: in[i].Int64, model.Int32: in[i].Int64,
			model.Bool: in[i].Bool, model.String: in[i].String,
		}[t.Type]
		inputs = append(inputs, pythonInput{t.Name, t.Type.String(), t.Shape, data})
	}
	_, err := p.ask(map[string]any{"model": path, "rows": rows, "inputs": inputs})
	return err
}

func (p *python) repeat(times int) (time.Duration, error) {
	return p.ask(map[string]int{"runs": times})
}

func (p *python) ask(request any) (time.Duration, error) {
	if err := json.NewEncoder(p.in).Encode(request); err != nil {
		return 0, fmt.Errorf("ask Python: %w", err)
	}
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		return 0, fmt.Errorf("ask Python: %w", err)
	}
	var reply struct {
		Nanos time.Duration
		Error string
	}
	if err := json.Unmarshal(line, &reply); err != nil {
		return 0, fmt.Errorf("ask Python: %w", err)
	}
	if reply.Error != "" {
		return 0, errors.New("python: " + reply.Error)
	}
	return reply.Nanos, nil
}
