package engine_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/engine/connect"
)

// fakeConnect speaks Kafka Connect's REST API for connectors that run at once.
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

func TestConnectors(t *testing.T) {
	fake := &fakeConnect{all: map[string]connect.Info{}}
	s := httptest.NewServer(fake)
	defer s.Close()
	var log bytes.Buffer
	r := &rig{t: t, dir: t.TempDir()}
	var err error
	r.Engine, err = engine.Open(t.Context(), engine.Options{
		DataDir: r.dir, Slots: 4, Connect: connect.Options{URL: s.URL}, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		closeEngine(t, r.Engine)
		if strings.Contains(log.String(), "hush") { // nobody writes to it any more
			t.Error("a password is in the log")
		}
	})
	r.must("CREATE STREAM orders (id STRING KEY) WITH (KAFKA_TOPIC='orders', PARTITIONS=1, VALUE_FORMAT='JSON');")

	made := r.must("CREATE SOURCE CONNECTOR `people` WITH ('connector.class'='io.example.Source', 'db.password'='hush', 'tasks.max'=2, 'on'=true);")[0]
	info := made.Body.(engine.ConnectorCreated).Info
	want := map[string]string{"connector.class": "io.example.Source", "db.password": "hush", "tasks.max": "2", "on": "true"}
	if info.Name != "people" || !reflect.DeepEqual(info.Config, want) {
		t.Errorf("made %+v", info)
	}
	if strings.Contains(made.StatementText, "hush") || !strings.Contains(made.StatementText, "io.example.Source") {
		t.Errorf("the statement is repeated as %s", made.StatementText)
	}
	for sql, want := range map[string]engine.EntityBody{
		"SHOW CONNECTORS;": engine.ConnectorList{Connectors: []engine.ConnectorInfo{
			{Name: "people", Type: "source", ClassName: "io.example.Source", State: "WARNING (1/2 tasks RUNNING)"},
		}},
		"SHOW SINK CONNECTORS;": engine.ConnectorList{Connectors: []engine.ConnectorInfo{}},
		"SHOW CONNECTOR PLUGINS;": engine.ConnectorPluginsList{ConnectorsPlugins: []engine.ConnectorPlugin{
			{ClassName: "io.example.Source", Type: "source", Version: "1.2"},
		}},
		"CREATE SOURCE CONNECTOR IF NOT EXISTS `people` WITH ('connector.class'='x');": engine.WarningEntity{Message: "connector people exists"},
		"DROP CONNECTOR IF EXISTS `nobody`;":                                           engine.WarningEntity{Message: "there is no connector nobody"},
	} {
		if got := r.must(sql)[0].Body; !reflect.DeepEqual(got, want) {
			t.Errorf("%s\ngot  %+v\nwant %+v", sql, got, want)
		}
	}
	d := r.must("DESCRIBE CONNECTOR `people`;")[0].Body.(engine.ConnectorDescription)
	if d.ConnectorClass != "io.example.Source" || len(d.Status.Tasks) != 2 || len(d.Sources) != 1 || d.Sources[0].Name != "ORDERS" || len(d.Topics) != 1 {
		t.Errorf("described %+v", d)
	}
	r.refuse("CREATE SINK CONNECTOR `people` WITH ('connector.class'='x', 'db.password'='hush');", "connect.exists")
	r.refuse("CREATE SINK CONNECTOR other WITH ('db.password'='hush');", "connect.refused", "connector.class is missing")
	r.refuse("CREATE SINK CONNECTOR other WITH ('db.password'=NULL);", "connect.setting", "db.password")
	r.refuse("DESCRIBE CONNECTOR nobody;", "connect.unknown", "NOBODY")
	r.refuse("DROP CONNECTOR nobody;", "connect.unknown", "NOBODY")
	_, err = r.Execute(t.Context(), engine.Request{SQL: "CREATE SINK CONNECTOR `people` WITH ('connector.class'='x', 'db.password'='hush');"})
	var refused *engine.StatementError
	if !errors.As(err, &refused) || strings.Contains(refused.Text+refused.Message, "hush") {
		t.Errorf("a refusal repeats a password: %+v", refused)
	}
	if got, ok := r.must("DROP CONNECTOR `people`;")[0].Body.(engine.DropConnector); !ok || got.ConnectorName != "people" {
		t.Errorf("dropped %+v", got)
	}
	s.Close()
	r.refuse("SHOW CONNECTORS;", "connect.unreachable")
}

func TestConnectorsWithoutACluster(t *testing.T) {
	r := newRig(t)
	for _, sql := range []string{
		"CREATE SOURCE CONNECTOR c WITH ('connector.class'='x');", "DROP CONNECTOR IF EXISTS c;", "DESCRIBE CONNECTOR c;", "SHOW CONNECTORS;",
		"SHOW CONNECTOR PLUGINS;",
	} {
		r.refuse(sql, "connect.unavailable", "--connect-url")
	}
}
