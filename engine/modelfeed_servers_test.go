package engine

import (
	"fmt"
	"testing"
	"time"

	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/udf/model/modeltest"
)

// TestModelFeedOfTwoServers: records that both servers see at once become one version each, which both have.
func TestModelFeedOfTwoServers(t *testing.T) {
	broker := testBroker(t)
	servers := []*testServer{openServer(t, broker, t.TempDir()), openServer(t, broker, t.TempDir())}
	e := servers[0].Engine
	execute(t, e, everyType)
	spread(t, servers...) // a server that ends while the group is being formed waits for the others' answers
	if err := e.kafka.CreateTopic(t.Context(), kafka.TopicSpec{Name: "models", Partitions: 1}); err != nil {
		t.Fatal(err)
	}
	send := func(value []byte) {
		t.Helper()
		rec := kafka.Record{Timestamp: time.Now().UnixMilli(), Key: []byte("grade"), Value: value}
		if err := e.producer.Send(t.Context(), kafka.ProduceBatch{Topic: "models", Records: []kafka.Record{rec}}); err != nil {
			t.Fatal(err)
		}
		if err := e.producer.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	send(modeltest.Linear(1, 0))
	if _, err := e.Execute(t.Context(), Request{SQL: "CREATE MODEL grade WITH (TOPIC='models', KEY='grade');"}); err != nil {
		t.Fatal(err)
	}
	const records = 6
	for n := 2; n <= records; n++ {
		send(modeltest.Linear(float32(n), 0))
		send([]byte("no model"))
	}
	want := ""
	for n := range records {
		want += fmt.Sprintf("%d kafka:models/0@%d\n", n+1, max(0, 2*n-1))
	}
	for _, s := range servers {
		got := ""
		for deadline := time.Now().Add(enough); ; time.Sleep(10 * time.Millisecond) {
			m, ok := s.Catalog().Model("GRADE")
			got = ""
			if ok {
				for _, v := range m.Versions {
					got += fmt.Sprintf("%d %s\n", v.Version, v.URI)
				}
			}
			if got == want && len(m.Refused) == records-1 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("versions\n%swant\n%s", got, want)
			}
		}
	}
}
