package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/engine/backup"
)

// TestBackup: a service that lost the topic of its commands is what it was after a restore, and its queries go on where they stood.
func TestBackup(t *testing.T) {
	r := newRig(t)
	r.works()
	r.must("CREATE STREAM passing (id STRING KEY, v INT) WITH (KAFKA_TOPIC='passing', VALUE_FORMAT='JSON', PARTITIONS=1);")
	r.must("DROP STREAM passing;")
	r.must("CREATE MODEL kept WITH (URI='cancer.onnx');")
	topics := backup.Topics{Commands: "_millrace-default_-commands", Models: "_millrace-default_-models", Transactions: "default_-commands"}
	before, order := r.inventory(), r.offsets(topics.Commands)
	var file bytes.Buffer
	s, err := backup.Write(t.Context(), r.Kafka(), "default_", topics, &file)
	if err != nil || s.Commands < 5 || s.Chunks < 1 {
		t.Fatalf("%+v, %v", s, err)
	}
	o := engine.Options{DataDir: r.dir, Slots: 4}
	if _, err := backup.Restore(t.Context(), r.Kafka(), "default_", topics, bytes.NewReader(file.Bytes())); !errors.Is(err, backup.ErrNotEmpty) {
		t.Errorf("over definitions: %v", err)
	}
	if err := r.Kafka().DeleteTopics(topics.Commands); err != nil {
		t.Fatal(err)
	}
	closeEngine(t, r.Engine)
	r.Engine = nil
	damaged := bytes.Replace(file.Bytes(), []byte("cancer.onnx"), []byte("cancer.onny"), 1)
	if _, err := engine.Restore(t.Context(), o, bytes.NewReader(damaged)); !errors.Is(err, backup.ErrFile) {
		t.Errorf("a changed file: %v", err)
	}
	if _, err := engine.Restore(t.Context(), o, bytes.NewReader(file.Bytes())); err != nil {
		t.Fatal(err)
	}
	if r.Engine, err = openEngine(t, o); err != nil {
		t.Fatal(err)
	}
	if after := r.inventory(); after != before {
		t.Errorf("defined before:\n%s\nand after:\n%s", before, after)
	}
	if got := r.offsets(topics.Commands); got != order {
		t.Errorf("commands were at %s and are at %s", order, got)
	}
	r.works() // counts go on
	r.must("DROP MODEL kept;")
}

// TestOldBackup: a backup that lacks the last commands gives back what it has; queries that have seen later commands go on, and what is
// made anew is not taken for what was lost.
func TestOldBackup(t *testing.T) {
	r := newRig(t)
	r.works()
	topics := backup.Topics{Commands: "_millrace-default_-commands", Models: "_millrace-default_-models", Transactions: "default_-commands"}
	var file bytes.Buffer
	if _, err := backup.Write(t.Context(), r.Kafka(), "default_", topics, &file); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		r.must("CREATE STREAM passing (id STRING KEY, v INT) WITH (KAFKA_TOPIC='passing', VALUE_FORMAT='JSON', PARTITIONS=1);")
		r.must("DROP STREAM passing;")
	}
	r.works() // the commits know of these commands
	if err := r.Kafka().DeleteTopics(topics.Commands); err != nil {
		t.Fatal(err)
	}
	closeEngine(t, r.Engine)
	r.Engine = nil
	o := engine.Options{DataDir: r.dir, Slots: 4}
	_, err := engine.Restore(t.Context(), o, bytes.NewReader(file.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if r.Engine, err = openEngine(t, o); err != nil {
		t.Fatal(err)
	}
	r.works()
}

// offsets are where the records of a topic are.
func (r *rig) offsets(topic string) string {
	r.t.Helper()
	rd := r.Kafka().NewReader()
	defer rd.Close()
	var at []string
	for batch, err := range rd.All(r.t.Context(), topic, 0) {
		if err != nil {
			r.t.Fatal(err)
		}
		for _, rec := range batch.Records {
			at = append(at, fmt.Sprint(rec.Offset))
		}
	}
	return strings.Join(at, " ")
}

// FuzzBackup: whatever a file holds, it is refused or read, and nothing is written for a file that is not whole.
func FuzzBackup(f *testing.F) {
	f.Add([]byte(`{"millraceBackup":{"format":1,"service":"s","taken":"2026-01-01T00:00:00Z"}}` + "\n" + `{"end":{"commands":0,"chunks":0,"sha256":""}}`))
	f.Add([]byte(`{"millraceBackup":{"format":9,"service":"s","taken":"2026-01-01T00:00:00Z"}}`))
	f.Add([]byte(`{"command":{"offset":1,"value":{}}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := backup.Check(bytes.NewReader(b)); err != nil && strings.TrimSpace(err.Error()) == "" {
			t.Error("an error without words")
		}
	})
}
