package engine_test

import (
	"bytes"
	"errors"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/engine/connect"
	"github.com/millrace/millrace/engine/connect/connecttest"
)

func TestConnectors(t *testing.T) {
	s := connecttest.NewServer()
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
