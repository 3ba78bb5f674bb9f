package simtest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/millrace/millrace/engine/cluster"
	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/engine/operator"
	"github.com/millrace/millrace/engine/task"
	"github.com/millrace/millrace/engine/testdriver"
	"github.com/millrace/millrace/engine/topology"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/udf"
	"github.com/millrace/millrace/udf/builtin"
)

// Query is a query of a history, and how its outputs compare.
type Query struct {
	Name, SQL string
	// Partitions of its source topics. With one, a query that repartitions sees rows in one order only.
	Partitions int32
	// Values says that the times of rows depend on which partition's rows came first at a repartition topic.
	Values bool
	// Apart says that its tasks run in several processes. Where Values is said too, the times that stores hold do not compare then: a task sees the
	// rows of others in another order.
	Apart bool
	// Letters says that some input cannot be read, and some not be computed: it goes to topic D.
	Letters bool
	// Serial says that all input is in topic a, and v counts it.
	Serial bool
}

// Queries are of every kind whose state decides the protocol.
var Queries = []Query{
	{Name: "filter", SQL: `CREATE STREAM o AS SELECT k, v, s FROM a WHERE v % 3 = 0;`, Partitions: 2},
	{Name: "count", SQL: `CREATE TABLE o AS SELECT k, COUNT(*) AS n, SUM(v) AS s, LATEST_BY_OFFSET(v) AS l FROM a GROUP BY k;`, Partitions: 2},
	{Name: "regroup", SQL: `CREATE TABLE o AS SELECT s, COUNT(*) AS n, SUM(v) AS v FROM a GROUP BY s;`, Partitions: 2, Values: true},
	{Name: "tumbling", SQL: `CREATE TABLE o AS SELECT k, COUNT(*) AS n FROM a WINDOW TUMBLING (SIZE 60 MILLISECONDS, GRACE PERIOD 30 MILLISECONDS) GROUP BY k;`, Partitions: 2},
	{Name: "session", SQL: `CREATE TABLE o AS SELECT k, SUM(v) AS n, COUNT(*) AS c FROM a WINDOW SESSION (20 MILLISECONDS, GRACE PERIOD 50 MILLISECONDS) GROUP BY k;`, Partitions: 2},
	{Name: "final", SQL: `CREATE TABLE o AS SELECT k, SUM(v) AS n FROM a WINDOW TUMBLING (SIZE 30 MILLISECONDS, GRACE PERIOD 20 MILLISECONDS) GROUP BY k EMIT FINAL;`, Partitions: 2},
	{Name: "undo", SQL: `CREATE TABLE o AS SELECT v % 4 AS g, COUNT(*) AS n, SUM(v) AS s FROM t GROUP BY v % 4;`, Partitions: 1},
	{Name: "stream table", SQL: `CREATE STREAM o AS SELECT a.k, a.v AS av, t.v AS tv FROM a LEFT JOIN t ON a.k = t.k;`, Partitions: 2},
	{Name: "streams", SQL: `CREATE STREAM o AS SELECT a.k, a.v AS av, b.v AS bv FROM a LEFT JOIN b WITHIN 10 MILLISECONDS GRACE PERIOD 5 MILLISECONDS ON a.k = b.k;`, Partitions: 2},
	{Name: "tables", SQL: `CREATE TABLE o AS SELECT ROWKEY AS k, t.v AS tv, u.v AS uv FROM t FULL OUTER JOIN u ON t.k = u.k;`, Partitions: 2},
	{Name: "foreign", SQL: `CREATE TABLE o AS SELECT t.k, t.v AS tv, u.v AS uv FROM t LEFT JOIN u ON t.v % 4 = u.k;`, Partitions: 2, Values: true},
	{Name: "hopping", SQL: `CREATE TABLE o AS SELECT k, COUNT(*) AS n, COLLECT_LIST(v) AS l FROM a WINDOW HOPPING (SIZE 60 MILLISECONDS, ADVANCE BY 20 MILLISECONDS, GRACE PERIOD 30 MILLISECONDS) GROUP BY k HAVING COUNT(*) > 1;`, Partitions: 2},
	{Name: "letters", SQL: `CREATE TABLE o AS SELECT k, COUNT(*) AS n, SUM(10 / (v % 5)) AS s FROM a GROUP BY k;`, Partitions: 2, Letters: true},
}

var sources = []string{
	`CREATE STREAM a (k INT KEY, v INT, s STRING) WITH (kafka_topic='a', value_format='JSON');`,
	`CREATE STREAM b (k INT KEY, v INT) WITH (kafka_topic='b', value_format='JSON');`,
	`CREATE TABLE t (k INT PRIMARY KEY, v INT) WITH (kafka_topic='t', value_format='JSON');`,
	`CREATE TABLE u (k INT PRIMARY KEY, v INT) WITH (kafka_topic='u', value_format='JSON');`,
}

// sourceTopics are the topics of sources.
var sourceTopics = []string{"a", "b", "t", "u"}

// patience is how long a task waits for an input at its end. Inputs come with smaller gaps, so that rows go by time in every history.
const patience = time.Second

// functions are what queries call. Tasks only read them.
var functions = sync.OnceValue(builtin.Registry)

// Plan plans the query as a server does. Histories share the result, which is immutable.
func (q Query) Plan() (*topology.Topology, error) {
	topics := map[string]int32{}
	for _, t := range sourceTopics {
		topics[t] = q.Partitions
	}
	d := testdriver.New(testdriver.Options{Functions: functions(), Topics: topics})
	for _, s := range append(slices.Clone(sources), q.SQL) {
		if err := d.Execute(s); err != nil {
			return nil, err
		}
	}
	return topology.Build(d.Catalog().Queries()[0].Plan, topology.Options{
		Service: "sim", Query: "q", Partitions: func(string) (int32, error) { return q.Partitions, nil },
	})
}

// spec makes the query what slots run.
func (q Query) spec(topo *topology.Topology, exact bool, models func() task.Models) cluster.QuerySpec {
	start := map[string][]int64{}
	for _, t := range sourceTopics {
		start[t] = make([]int64, q.Partitions)
	}
	env := &udf.Env{Now: time.Now, Random: func() float64 { return 0 }}
	return cluster.QuerySpec{
		Topology: topo, Start: start,
		NewTask: func(sub *topology.SubTopology, partition int32, stores state.Stores) (cluster.Task, error) {
			return task.New(sub, partition, task.Deps{Stores: stores, Functions: functions(), UDF: env, Log: noLog{}, Models: models},
				task.Options{BatchSize: 8, Exact: exact, MaxGroups: 3, Piece: 1, MaxIdle: patience, OnError: q.onError()})
		},
	}
}

// onError is the query's policy.
func (q Query) onError() task.ErrorPolicy {
	if !q.Letters {
		return task.ErrorPolicy{}
	}
	return task.ErrorPolicy{Read: task.DeadLetter, Process: task.DeadLetter, Write: task.DeadLetter, Query: "q", Topic: lettersTopic}
}

// lettersTopic takes dead letters.
const lettersTopic = "D"

type noLog struct{}

func (noLog) Log(operator.Entry) {}

// inputs are bursts of records for the source topics, mostly in order of time.
func (q Query) inputs(seed uint64) [][]kafka.ProduceBatch {
	r := rand.New(rand.NewPCG(seed, 7))
	var bursts [][]kafka.ProduceBatch
	topic, now, serial := "a", int64(0), 0
	count := 5
	if q.Serial {
		count = 20
	}
	for range count {
		var burst []kafka.ProduceBatch
		for range 14 {
			if r.IntN(3) == 0 {
				topic = []string{"a", "a", "b", "t", "u"}[r.IntN(5)]
			}
			if q.Name == "undo" || q.Name == "tables" || q.Name == "foreign" {
				topic = sourceTopics[2+r.IntN(2)]
			}
			if q.Serial {
				topic = "a"
			}
			now += int64(r.IntN(8))
			rec := kafka.Record{Timestamp: max(0, now-int64(r.IntN(4)*r.IntN(20))), Key: []byte{0, 0, 0, byte(r.IntN(4))}}
			if r.IntN(8) > 0 || topic == "a" || topic == "b" {
				v := r.IntN(50)
				if q.Serial {
					v = serial
				}
				serial++
				rec.Value = fmt.Appendf(nil, `{"v": %d, "s": "%c"}`, v, 'a'+r.IntN(3))
			}
			if q.Letters && r.IntN(6) == 0 {
				rec.Value = []byte("no json")
				rec.Headers = []kafka.Header{{Key: "trace", Value: []byte{byte(serial)}}}
			}
			p := kafka.PartitionFor(rec.Key, q.Partitions)
			burst = append(burst, kafka.ProduceBatch{Topic: topic, Partition: p, Records: []kafka.Record{rec}})
		}
		bursts = append(bursts, burst)
	}
	return bursts
}
