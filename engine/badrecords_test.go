package engine_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/engine/kafka"
)

func TestBadRecords(t *testing.T) {
	for _, c := range []struct {
		format string
		values []string // good ones are 7
		bad    []int
	}{
		{"JSON", []string{`{"V":7}`, `{"V":`, `not json`, `{"V":"seven"}`, `{"V":7,"more":[1,{}]}`, `[7]`, strings.Repeat("[", 100_000), `{"v":7}`}, []int{1, 2, 3, 5, 6}},
		{"DELIMITED", []string{"7", "seven", `"7`, "7,8,9", "99999999999", "7"}, []int{1, 2, 3, 4}},
		{"KAFKA", []string{"\x00\x00\x00\x07", "\x07", "seven", "\x00\x00\x00\x00\x07", "\x00\x00\x00\x07"}, []int{1, 2, 3}},
	} {
		t.Run(c.format, func(t *testing.T) {
			r := newRig(t)
			r.must(fmt.Sprintf(`CREATE STREAM input (k STRING KEY, v INT) WITH (KAFKA_TOPIC='input', PARTITIONS=2, VALUE_FORMAT='%s');
				CREATE STREAM output WITH (VALUE_FORMAT='JSON') AS SELECT k, v FROM input;`, c.format))
			var batch []kafka.Record
			good := []string{}
			for i, v := range c.values {
				batch = append(batch, kafka.Record{Key: fmt.Appendf(nil, "k%d", i), Value: []byte(v)})
				if !slices.Contains(c.bad, i) {
					good = append(good, fmt.Sprintf("k%d 7", i))
				}
			}
			r.produce("input", 1, batch...)
			r.eventually("SELECT k, v FROM output;", good...)
			want := make([]string, 0, len(c.bad))
			for _, offset := range c.bad {
				want = append(want, fmt.Sprintf("input value (partition 1, offset %d)", offset))
			}
			r.logged(want)
			r.badRows("CSAS_OUTPUT", len(c.bad))
			r.works()
		})
	}
}

// logged waits until the processing log tells of exactly the records that could not be read: topic, side, partition and offset.
func (r *rig) logged(want []string) {
	r.t.Helper()
	const sql = `SELECT message->deserializationError->topic, message->deserializationError->target, message->deserializationError->errorMessage
		FROM KSQL_PROCESSING_LOG;`
	var got []string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		got = got[:0]
		for _, row := range r.rows(sql) {
			words := strings.SplitN(row, " ", 3)
			at := strings.LastIndex(row, "(partition")
			if len(words) < 3 || at < 0 {
				r.t.Fatalf("processing log: %q", row)
			}
			got = append(got, words[0]+" "+words[1]+" "+row[at:])
		}
		slices.Sort(got)
		slices.Sort(want)
		if slices.Equal(got, want) {
			return
		}
	}
	r.t.Fatalf("processing log\ngot  %q\nwant %q", got, want)
}

func TestBadAndMissingKeys(t *testing.T) {
	r := newRig(t)
	r.must(`CREATE STREAM input (k INT KEY, v INT) WITH (KAFKA_TOPIC='input', PARTITIONS=1, VALUE_FORMAT='JSON');
		CREATE TABLE latest (k INT PRIMARY KEY, v INT) WITH (KAFKA_TOPIC='latest', PARTITIONS=1, VALUE_FORMAT='JSON');
		CREATE STREAM output AS SELECT k, v FROM input;
		CREATE TABLE counts AS SELECT k, COUNT(*) AS n FROM input GROUP BY k;
		CREATE TABLE copy AS SELECT k, v FROM latest;`)
	one, bad := []byte{0, 0, 0, 1}, []byte("not four bytes")
	value := []byte(`{"V":7}`)
	r.produce("input", 0, kafka.Record{Key: one, Value: value}, kafka.Record{Value: value}, kafka.Record{Key: bad, Value: value},
		kafka.Record{Key: one}, kafka.Record{Key: one, Value: value})
	r.produce("latest", 0, kafka.Record{Value: value}, kafka.Record{Key: one, Value: value})
	r.eventually("SELECT k, v FROM output;", "1 7", "1 7", "<nil> 7")
	r.eventually("SELECT k, n FROM counts;", "1 2")
	r.eventually("SELECT k, v FROM copy;", "1 7")
	r.badRows("CSAS_OUTPUT", 1)
	r.works()
}

func TestFunctionThatFailsOnARow(t *testing.T) {
	r := newRig(t)
	r.must(`CREATE STREAM input (k STRING KEY, v INT) WITH (KAFKA_TOPIC='input', PARTITIONS=1, VALUE_FORMAT='JSON');
		CREATE STREAM output AS SELECT k, 10 / v AS q FROM input;`)
	r.must(`INSERT INTO input VALUES ('a', 2); INSERT INTO input VALUES ('b', 0); INSERT INTO input VALUES ('c', 5);`)
	r.eventually("SELECT k, q FROM output;", "a 5", "b <nil>", "c 2")
	r.eventually("SELECT message->type FROM KSQL_PROCESSING_LOG WHERE message->recordProcessingError->errorMessage LIKE '%partition 0, offset 1%';", "1")
	r.works()
}

// TestOddText sends what no keyboard writes; whatever is said of it, it is said of the statement.
func TestOddText(t *testing.T) {
	r := newRig(t)
	for _, sql := range []string{
		"", ";", "   ;;; ", "-- only this", "/* open", "\x00;", "\xff\xfe;", "SELECT '\xff' AS x, * FROM orders EMIT CHANGES LIMIT 0;", "SELECT \u202e FROM orders;",
		"DEFINE a = '${a}'; SELECT * FROM ${a} EMIT CHANGES;", "SHOW STREAMS; SELECT 1;", "SELECT * FROM orders EMIT CHANGES; SHOW STREAMS;",
		"INSERT INTO orders (id, qty) VALUES ('a', -2147483649);", "SELECT * FROM orders LIMIT 99999999999999999999;", "PRINT '';", "DROP STREAM ``;",
		"CREATE STREAM `" + strings.Repeat("n", 300) + "` AS SELECT id, qty FROM orders;",
	} {
		err := r.attempt(sql)
		var s *engine.StatementError
		if err != nil && (!errors.As(err, &s) || s.Code >= engine.CodeServerError) {
			t.Errorf("%q: %v", sql, err)
		}
	}
	r.works()
}

func TestRecordsOfOddTimes(t *testing.T) {
	r := newRig(t)
	r.must(`CREATE STREAM input (k STRING KEY, at BIGINT) WITH (KAFKA_TOPIC='input', PARTITIONS=1, VALUE_FORMAT='JSON', TIMESTAMP='at');
		CREATE STREAM output AS SELECT k, at FROM input;
		CREATE TABLE counts AS SELECT k, COUNT(*) AS n FROM input WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY k;`)
	var batch []kafka.Record
	for i, v := range []string{`{"AT":1700000000000}`, `{"AT":-5}`, `{"AT":null}`, `{}`, `{"AT":9223372036854775807}`, `{"AT":1700000000001}`} {
		batch = append(batch, kafka.Record{Key: fmt.Appendf(nil, "k%d", i), Value: []byte(v)})
	}
	r.produce("input", 0, batch...)
	r.eventually("SELECT k FROM output;", "k0", "k5")
	r.eventually("SELECT k, n FROM counts;", "k0 1", "k5 1")
	for _, prefix := range []string{"CSAS_OUTPUT", "CTAS_COUNTS"} {
		if state, cause := r.queryState(prefix); state != "RUNNING" {
			t.Errorf("%s is %s: %s", prefix, state, cause)
		}
	}
	r.badRows("CSAS_OUTPUT", 4)
	r.works()
}
