package child

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
)

// Query runs one pull query and returns its answer as the server wrote it.
func (s Server) Query(ctx context.Context, sql string) ([]byte, error) {
	body, err := json.Marshal(map[string]string{"ksql": sql})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/query", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	return s.do(req)
}
