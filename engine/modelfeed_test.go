package engine_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/udf/model/modeltest"
)

// send writes a record of the topic that feeds models.
func (r *rig) send(key string, value []byte) {
	r.t.Helper()
	p := r.Kafka().NewProducer(kafka.ProducerConfig{})
	defer p.Close()
	rec := kafka.Record{Timestamp: time.Now().UnixMilli(), Key: []byte(key), Value: value}
	if err := p.Send(r.t.Context(), kafka.ProduceBatch{Topic: "models", Records: []kafka.Record{rec}}); err != nil {
		r.t.Fatal(err)
	}
	if err := p.Flush(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

// awaitVersions waits until SHOW MODEL VERSIONS says so and the queries follow.
func (r *rig) awaitVersions(want string) {
	r.t.Helper()
	deadline := time.Now().Add(patience)
	for r.versions() != want {
		if time.Now().After(deadline) {
			r.t.Fatalf("versions %s, want %s", r.versions(), want)
		}
		time.Sleep(5 * time.Millisecond)
	}
	if err := r.Settle(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

// TestModelFromTopic: records become versions while rows are scored; what is no version is refused and the old one goes on.
func TestModelFromTopic(t *testing.T) {
	r := newModelRig(t)
	topic := kafka.TopicSpec{Name: "models", Partitions: 1, Configs: map[string]string{"cleanup.policy": "compact"}}
	if err := r.Kafka().CreateTopic(t.Context(), topic); err != nil {
		t.Fatal(err)
	}
	r.refuse("CREATE OR REPLACE MODEL grade WITH (TOPIC='models', KEY='grade');", "model.file", "no record with key")
	r.refuse("CREATE MODEL other WITH (TOPIC='models', KEY='grade', URI='v1.onnx');", "model.uri")
	r.refuse("CREATE MODEL other WITH (TOPIC='models');", "model.uri")
	r.refuse("CREATE MODEL other WITH (URI='v1.onnx', KEY='grade');", "model.uri")
	r.refuse("CREATE MODEL other WITH (TOPIC='nowhere', KEY='grade');", "model.file", "nowhere")
	r.refuse("CREATE MODEL other WITH (TOPIC='visits', KEY='grade');", "model.file", "2 partitions")
	r.send("grade", modeltest.Linear(2, 0))
	r.must("CREATE OR REPLACE MODEL grade WITH (TOPIC='models', KEY='grade');")
	r.awaitVersions("1 IDLE, 2 ACTIVE")
	if got := r.visit(0, 10); !only(got, "2") {
		t.Errorf("at first: %v", got)
	}
	r.send("other", modeltest.Linear(7, 0))
	began := time.Now()
	r.send("grade", modeltest.Linear(3, 0))
	r.awaitVersions("1 IDLE, 2 IDLE, 3 ACTIVE")
	t.Logf("from the record to its first row: %v", time.Since(began))
	if got := r.visit(10, 20); !only(got, "3") {
		t.Errorf("after the record: %v", got)
	}
	r.send("grade", []byte("this is no model"))
	r.send("grade", modeltest.Linear(1, 0, 0)) // takes two arguments
	r.send("grade", nil)
	r.awaitVersions("1 IDLE, 2 IDLE, 3 ACTIVE, 0 REFUSED, 0 REFUSED")
	if got := r.visit(20, 30); !only(got, "3") {
		t.Errorf("after the refusals: %v", got)
	}
	list := r.must("SHOW MODEL VERSIONS grade;")[0].Body.(engine.ModelVersionsList).Versions
	if !strings.Contains(list[3].Error, "malformed") || !strings.Contains(list[4].Error, "CSAS_GRADED") || list[3].URI != "kafka:models/0@3" {
		t.Errorf("refused: %+v, %+v", list[3], list[4])
	}
	r.reopen(engine.Options{})
	r.send("grade", modeltest.Linear(4, 0))
	const want = "1 IDLE, 2 IDLE, 3 IDLE, 4 ACTIVE, 0 REFUSED, 0 REFUSED"
	r.awaitVersions(want)
	if got := r.visit(30, 40); !only(got, "4") || r.versions() != want {
		t.Errorf("after a start: %v, %s", got, r.versions())
	}
}

func (r *rig) reopen(o engine.Options) {
	r.t.Helper()
	closeEngine(r.t, r.Engine)
	r.Engine = nil
	o.DataDir = r.dir
	e, err := openEngine(r.t, o)
	if err != nil {
		r.t.Fatal(err)
	}
	r.Engine = e
}

// TestModelFromWebServer: allowed hosts, a digest that must be right, and no way to another host.
func TestModelFromWebServer(t *testing.T) {
	r := newModelRig(t)
	file := modeltest.Linear(2, 0)
	sum := sha256.Sum256(file)
	digest := hex.EncodeToString(sum[:])
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(file) }))
	defer other.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("/m", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(file) })
	mux.Handle("/here", http.RedirectHandler("/m", http.StatusFound))
	mux.Handle("/there", http.RedirectHandler(other.URL+"/m", http.StatusFound))
	web := httptest.NewServer(mux)
	defer web.Close()
	create := func(uri, sha string) string {
		return fmt.Sprintf("CREATE OR REPLACE MODEL grade WITH (URI='%s', SHA256='%s');", uri, sha)
	}
	r.refuse(create(web.URL+"/m", digest), "model.file", "--model-hosts")
	r.reopen(engine.Options{ModelHosts: []string{strings.TrimPrefix(web.URL, "http://")}})
	r.refuse(create(web.URL+"/m", ""), "model.file", "SHA256")
	r.refuse(create(web.URL+"/m", strings.Repeat("0", 64)), "model.file", digest)
	r.refuse(create(web.URL+"/there", digest), "model.file", "redirects")
	r.refuse(create(other.URL+"/m", digest), "model.file", "--model-hosts")
	r.refuse(create(web.URL+"/nothing", digest), "model.file", "404")
	r.refuse(create(strings.Replace(web.URL, "http://", "http://me:secret@", 1)+"/m", digest), "model.file", "password")
	r.must(create(web.URL+"/here", digest))
	if got := r.visit(0, 10); !only(got, "2") {
		t.Errorf("scored by %v", got)
	}
}

func TestUploadedModel(t *testing.T) {
	r := newModelRig(t)
	file := modeltest.Linear(2, 0)
	sha, n, err := r.UploadModel(t.Context(), bytes.NewReader(file), -1)
	if err != nil {
		t.Fatal(err)
	}
	if n != len(file) {
		t.Errorf("%d bytes of %d were taken", n, len(file))
	}
	for _, size := range []int64{-1, 0, 3 << 30} {
		if _, _, err := r.UploadModel(t.Context(), strings.NewReader(""), size); err == nil {
			t.Errorf("a model without bytes, said to be of %d, was taken", size)
		}
	}
	r.refuse("CREATE OR REPLACE MODEL grade WITH (URI='sha256:"+strings.Repeat("0", 64)+"');", "model.file")
	r.must("CREATE OR REPLACE MODEL grade WITH (URI='sha256:" + sha + "');")
	if got := r.visit(0, 10); !only(got, "2") {
		t.Errorf("scored by %v", got)
	}
}
