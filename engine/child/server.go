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
	_, err := s.Ask(ctx, sql, props)
	return err
}

// Ask runs statements and returns the answer's JSON.
func (s Server) Ask(ctx context.Context, sql string, props map[string]any) ([]byte, error) {
	body, err := json.Marshal(map[string]any{"ksql": sql, "streamsProperties": props})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/ksql", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	return s.do(req)
}

// Scrape is what /metrics showed at one moment: values by name with labels, as written there.
type Scrape map[string]float64

// Scrape reads all metrics. It asks for no compression, which would cost the server more than all else about the request.
func (s Server) Scrape(ctx context.Context) (Scrape, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept-Encoding", "identity")
	b, err := s.do(req)
	if err != nil {
		return nil, err
	}
	m := Scrape{}
	for sc := bufio.NewScanner(bytes.NewReader(b)); sc.Scan(); {
		line := sc.Text()
		at := strings.LastIndexByte(line, ' ')
		if at < 0 || line[0] == '#' {
			continue
		}
		if m[line[:at]], err = strconv.ParseFloat(line[at+1:], 64); err != nil {
			return nil, fmt.Errorf("metric %s: %w", line[:at], err)
		}
	}
	return m, nil
}

// Sum adds up the samples of a metric over its labels.
func (m Scrape) Sum(name string) (float64, error) {
	var sum float64
	found := false
	for series, v := range m {
		if rest, ok := strings.CutPrefix(series, name); ok && (rest == "" || rest[0] == '{') {
			sum, found = sum+v, true
		}
	}
	if !found {
		return 0, fmt.Errorf("metric %s: the server has none", name)
	}
	return sum, nil
}
