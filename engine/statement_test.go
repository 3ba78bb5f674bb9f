package engine

import (
	"errors"
	"strings"
	"testing"
)

func TestAssertTopic(t *testing.T) {
	e, _ := openTest(t, t.TempDir())
	execute(t, e, `CREATE STREAM s (v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=3);`)
	execute(t, e, `ASSERT TOPIC s WITH (PARTITIONS=3); ASSERT NOT EXISTS TOPIC nobody;`)
	for sql, want := range map[string]int{
		`ASSERT TOPIC s WITH (PARTITIONS=4) TIMEOUT 100 MILLISECONDS;`: CodeAssertFailed,
		`ASSERT TOPIC nobody TIMEOUT 100 MILLISECONDS;`:                CodeAssertFailed,
		`ASSERT NOT EXISTS TOPIC s TIMEOUT 100 MILLISECONDS;`:          CodeAssertFailed,
		`ASSERT TOPIC s WITH (COLOR='red');`:                           CodeBadStatement,
	} {
		_, err := e.Execute(t.Context(), Request{SQL: sql})
		var refused *StatementError
		if !errors.As(err, &refused) || refused.Code != want {
			t.Errorf("%s: %v, want code %d", sql, err, want)
		}
	}
}

func TestGuaranteeIsTheServers(t *testing.T) {
	e, _ := openTest(t, t.TempDir())
	execute(t, e, `SET 'processing.guarantee' = 'exactly_once_v2'; SHOW PROPERTIES;`)
	if _, err := e.Execute(t.Context(), Request{SQL: `SET 'processing.guarantee' = 'at_least_once';`}); err == nil {
		t.Error("a session's guarantee was accepted, and nothing would follow it")
	}
	_, err := e.Execute(t.Context(), Request{SQL: `SHOW STREAMS;`, Properties: map[string]any{"processing.guarantee": "at_least_once"}})
	if err == nil {
		t.Error("a request's guarantee was accepted, and nothing would follow it")
	}
}

func TestALostCommandLogIsNotBegunAnew(t *testing.T) {
	dir := t.TempDir()
	e, end := openTest(t, dir)
	execute(t, e, payments)
	execute(t, e, `INSERT INTO payments (id, usr, amount) VALUES ('a', 'ann', 500);`)
	eventually(t, e, "SELECT usr, n FROM totals;", "ann 1")
	if err := e.Kafka().DeleteTopics(e.internalTopic("commands")); err != nil {
		t.Fatal(err)
	}
	end()
	again, err := Open(t.Context(), Options{DataDir: dir, Slots: 4})
	if err == nil {
		_ = again.Close(t.Context())
		t.Fatal("a server began anew where queries had run: all definitions would be forgotten in silence")
	}
	if !strings.Contains(err.Error(), "was deleted") {
		t.Errorf("the error does not say what happened: %v", err)
	}
}
