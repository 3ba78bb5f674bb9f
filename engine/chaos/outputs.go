package chaos

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/millrace/millrace/engine/kafka"
)

// output is a topic that a query of [EveryKind] writes, and how to tell what ought to be in it.
type output struct {
	name string
	// query makes it, with %s for the WITH clause; "": [Workload] does.
	query string
	// key tells the rows of a table apart; nil: the output is a stream, and its rows are counted.
	key func(r *kafka.Record) (string, error)
	// columns are compared; stamped says that the time of a record is, too.
	columns []string
	stamped bool
	// once says that a key is written once and then never again.
	once bool
	// nothing is the text of a row that need not be there: a group that all its rows have left.
	nothing string
	// want is the batch computation, in the texts that line gives.
	want func(w EveryKind, in *input) Table
}

// outputs are the queries of EveryKind, one for each kind of state that the commit protocol must keep.
var outputs = []output{
	{name: "big", columns: []string{"USR", "AMOUNT"}, stamped: true, want: wantBig},
	{name: "joined", columns: []string{"ID", "AMOUNT", "REGION"}, stamped: true, want: wantJoined},
	{name: "counts", key: windowKey, columns: []string{"N", "TOTAL"}, want: wantCounts},
	{
		name: "totals", key: plainKey, columns: []string{"N", "TOTAL"}, want: wantTotals,
		query: `CREATE TABLE totals %s AS SELECT usr, COUNT(*) AS n, SUM(amount) AS total FROM events GROUP BY usr EMIT CHANGES;`,
	},
	{
		name: "extremes", key: windowKey, columns: []string{"LOW", "HIGH"}, want: wantExtremes,
		query: `CREATE TABLE extremes %s AS SELECT usr, MIN(amount) AS low, MAX(amount) AS high
  FROM events WINDOW HOPPING (SIZE 10 SECONDS, ADVANCE BY 4 SECONDS, GRACE PERIOD 1 DAY) GROUP BY usr EMIT CHANGES;`,
	},
	{
		name: "regions", key: plainKey, columns: []string{"N", "TOTAL"}, nothing: line(0, 0), want: wantRegions,
		query: `CREATE TABLE regions %s AS SELECT region, COUNT(*) AS n, SUM(balance) AS total FROM accounts GROUP BY region EMIT CHANGES;`,
	},
	{
		name: "pairs", columns: []string{"AMOUNT", "CODE"}, stamped: true, want: wantPairs,
		query: `CREATE STREAM pairs %s AS SELECT e.id AS id, e.amount AS amount, a.code AS code
  FROM events e JOIN acks a WITHIN 10 SECONDS GRACE PERIOD 1 DAY ON e.id = a.id EMIT CHANGES;`,
	},
	{
		name: "unacked", columns: []string{"AMOUNT", "CODE"}, stamped: true, want: wantUnacked,
		query: `CREATE STREAM unacked %s AS SELECT e.id AS id, e.amount AS amount, a.code AS code
  FROM events e LEFT JOIN acks a WITHIN 1 HOUR GRACE PERIOD 6 HOURS ON e.id = a.id EMIT CHANGES;`,
	},
	{
		name: "either", columns: []string{"AMOUNT", "CODE"}, stamped: true, want: wantEither,
		query: `CREATE STREAM either %s AS SELECT ROWKEY AS id, e.amount AS amount, a.code AS code
  FROM events e FULL OUTER JOIN acks a WITHIN 1 HOUR GRACE PERIOD 6 HOURS ON e.id = a.id EMIT CHANGES;`,
	},
	{
		name: "matched", key: plainKey, columns: []string{"HOME", "REGION", "BALANCE"}, want: wantMatched,
		query: `CREATE TABLE matched %s AS SELECT u.usr AS usr, u.region AS home, a.region AS region, a.balance AS balance
  FROM users u LEFT JOIN accounts a ON u.usr = a.usr EMIT CHANGES;`,
	},
	{
		name: "offices", key: plainKey, columns: []string{"REGION", "BALANCE", "CITY"}, want: wantOffices,
		query: `CREATE TABLE offices %s AS SELECT a.usr AS usr, a.region AS region, a.balance AS balance, p.city AS city
  FROM accounts a LEFT JOIN places p ON a.region = p.region EMIT CHANGES;`,
	},
	{
		name: "sessions", key: sessionKey, columns: []string{"N", "TOTAL"}, want: wantSessions,
		query: `CREATE TABLE sessions %s AS SELECT usr, COUNT(*) AS n, SUM(amount) AS total
  FROM events WINDOW SESSION (500 MILLISECONDS, GRACE PERIOD 1 DAY) GROUP BY usr EMIT CHANGES;`,
	},
	{
		name: "finals", key: windowKey, columns: []string{"N", "TOTAL"}, once: true, want: wantFinals,
		query: `CREATE TABLE finals %s AS SELECT usr, COUNT(*) AS n, SUM(amount) AS total
  FROM events WINDOW TUMBLING (SIZE 10 SECONDS, RETENTION 1 DAY, GRACE PERIOD 6 HOURS) GROUP BY usr EMIT FINAL;`,
	},
	{
		name: "moved", columns: []string{"ID", "AMOUNT"}, stamped: true, want: wantMoved,
		query: `CREATE STREAM moved %s AS SELECT usr, id, amount FROM events PARTITION BY usr EMIT CHANGES;`,
	},
	{
		name: "chained", key: plainKey, columns: []string{"N", "TOTAL"}, want: wantTotals,
		query: `CREATE TABLE chained %s AS SELECT usr, COUNT(*) AS n, SUM(amount) AS total FROM moved GROUP BY usr EMIT CHANGES;`,
	},
	{
		name: "scored", columns: []string{"LABEL"}, want: wantScored,
		query: `CREATE STREAM scored %s AS SELECT id, PREDICT(iris, f1, f2, f3, f4)->output_label AS label FROM samples EMIT CHANGES;`,
	},
}

func plainKey(r *kafka.Record) (string, error) { return string(r.Key), nil }

// windowKey reads a key that ends with the start of its window.
func windowKey(r *kafka.Record) (string, error) {
	cut := len(r.Key) - 8
	if cut < 0 {
		return "", fmt.Errorf("key %q has no window", r.Key)
	}
	return window(string(r.Key[:cut]), int64(binary.BigEndian.Uint64(r.Key[cut:]))), nil
}

// sessionKey reads a key that ends with the end and the start of its session.
func sessionKey(r *kafka.Record) (string, error) {
	cut := len(r.Key) - 16
	if cut < 0 {
		return "", fmt.Errorf("key %q has no session", r.Key)
	}
	end, start := binary.BigEndian.Uint64(r.Key[cut:]), binary.BigEndian.Uint64(r.Key[cut+8:])
	return session(string(r.Key[:cut]), int64(start), int64(end)), nil
}

func window(key string, start int64) string       { return fmt.Sprint(key, "@", start) }
func session(key string, start, end int64) string { return fmt.Sprint(key, "@", start, "-", end) }

// line is the text of a row: its columns, where nil is NULL.
func line(columns ...any) string { return strings.TrimSuffix(fmt.Sprintln(columns...), "\n") }

// stamp adds a record's time to a stream's row.
func stamp(at int64, columns ...any) string { return fmt.Sprint(line(columns...), " @", at) }

// add puts a record into the table that was read so far.
func (o *output) add(t Table, r *kafka.Record) error {
	row := map[string]any{}
	if r.Value != nil {
		d := json.NewDecoder(bytes.NewReader(r.Value))
		d.UseNumber()
		if err := d.Decode(&row); err != nil {
			return err
		}
	}
	var values []any
	if o.key == nil {
		values = append(values, string(r.Key))
	}
	for _, c := range o.columns {
		values = append(values, row[c])
	}
	text := line(values...)
	if o.stamped {
		text = stamp(r.Timestamp, values...)
	}
	if o.key == nil {
		t.count(text)
		return nil
	}
	key, err := o.key(r)
	switch {
	case err != nil:
		return err
	case o.once && t[key] != "":
		t[key] += " and again " + text
	case r.Value == nil || text == o.nothing:
		delete(t, key)
	default:
		t[key] = text
	}
	return nil
}
