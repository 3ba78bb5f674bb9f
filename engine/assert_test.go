package engine

import (
	"errors"
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
