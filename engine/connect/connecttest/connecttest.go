// Package connecttest is a Kafka Connect for tests: it keeps what it is told and runs nothing.
package connecttest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"github.com/millrace/millrace/engine/connect"
)

// NewServer starts a cluster without connectors. The caller closes it.
func NewServer() *httptest.Server {
	return httptest.NewServer(&fakeConnect{all: map[string]connect.Info{}})
}

// fakeConnect speaks Kafka Connect's REST API for connectors that read topic orders by two tasks, one of which has failed.
type fakeConnect struct {
	mu  sync.Mutex
	all map[string]connect.Info
}

func (f *fakeConnect) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	step := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	refuse := func(status int, message string) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]any{"error_code": status, "message": message})
	}
	var out any
	switch {
	case r.Method == http.MethodPost:
		var in connect.Info
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			refuse(http.StatusBadRequest, err.Error())
			return
		}
		if _, ok := f.all[in.Name]; ok {
			refuse(http.StatusConflict, "Connector "+in.Name+" already exists")
			return
		}
		if in.Config["connector.class"] == "" {
			refuse(http.StatusBadRequest, "connector.class is missing")
			return
		}
		in.Type, in.Tasks = "source", []connect.Task{{Connector: in.Name}}
		f.all[in.Name] = in
		w.WriteHeader(http.StatusCreated)
		out = in
	case step[0] == "connector-plugins":
		out = []connect.Plugin{{Class: "io.example.Source", Type: "source", Version: "1.2"}}
	case len(step) == 1:
		list := map[string]connect.Listed{}
		for name, c := range f.all {
			list[name] = connect.Listed{Info: c, Status: f.status(name)}
		}
		out = list
	default:
		c, ok := f.all[step[1]]
		switch {
		case !ok:
			refuse(http.StatusNotFound, "Connector "+step[1]+" not found")
			return
		case r.Method == http.MethodDelete:
			delete(f.all, step[1])
			w.WriteHeader(http.StatusNoContent)
			return
		case len(step) == 2:
			out = c
		case step[2] == "status":
			out = f.status(c.Name)
		default:
			out = map[string]any{c.Name: map[string]any{"topics": []string{"orders"}}}
		}
	}
	_ = json.NewEncoder(w).Encode(out)
}

func (f *fakeConnect) status(name string) connect.Status {
	return connect.Status{
		Name: name, Type: "source", Connector: connect.State{State: "RUNNING", WorkerID: "w:1"},
		Tasks: []connect.TaskState{{State: connect.State{State: "RUNNING"}}, {ID: 1, State: connect.State{State: "FAILED", Trace: "why"}}},
	}
}
