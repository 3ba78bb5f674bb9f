package child

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Server speaks to a server over its REST API.
type Server struct{ URL string }

// Get fetches a path; anything but status 200 is an error.
func (s Server) Get(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+path, nil)
	if err != nil {
		return nil, err
	}
	return s.do(req)
}

func (s Server) do(req *http.Request) ([]byte, error) {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", req.URL.Path, resp.Status, b)
	}
	return b, err
}

// Execute runs statements with session properties.
func (s Server) Execute(ctx context.Context, sql string, props map[string]any) error {
	body, err := json.Marshal(map[string]any{"ksql": sql, "streamsProperties": props})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/ksql", bytes.NewReader(body))
	if err != nil {
		return err
	}
	_, err = s.do(req)
	return err
}

// Metric sums the samples of a metric.
func (s Server) Metric(ctx context.Context, name string) (float64, error) {
	b, err := s.Get(ctx, "/metrics")
	if err != nil {
		return 0, err
	}
	var sum float64
	found := false
	for sc := bufio.NewScanner(bytes.NewReader(b)); sc.Scan(); {
		rest, ok := strings.CutPrefix(sc.Text(), name)
		if !ok || rest == "" || rest[0] != '{' && rest[0] != ' ' {
			continue
		}
		v, err := strconv.ParseFloat(rest[strings.LastIndexByte(rest, ' ')+1:], 64)
		if err != nil {
			return 0, fmt.Errorf("metric %s: %w", name, err)
		}
		sum, found = sum+v, true
	}
	if !found {
		return 0, fmt.Errorf("metric %s: the server has none", name)
	}
	return sum, nil
}
