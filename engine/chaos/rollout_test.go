package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/udf/model/modeltest"
)

// The versions of the model of TestRolloutOnKafka, and what each adds to x.
var addends = map[int]float64{1: 1, 2: 2, 3: 3, 4: 1000}

// visit is an input record's value, graded an output's.
type visit struct {
	User string  `json:"USR"`
	X    float64 `json:"X"`
}

type graded struct {
	visit
	Score   float64
	Version int `json:"V"`
}

// rollout is a run in which a model is rolled out while the server is killed.
type rollout struct {
	*run
	c *kafka.Client
	w Workload
}

// TestRolloutOnKafka swaps a model by a topic, splits its rows and puts a version on trial that its conditions roll back, each under load and
// with kills (-9) in between. Each row is scored once, by the version that MODEL_VERSION names, and users stick to their version.
func TestRolloutOnKafka(t *testing.T) {
	brokers := os.Getenv("MILLRACE_KAFKA")
	if brokers == "" {
		t.Skip("MILLRACE_KAFKA is not set: a rollout under load needs a real Kafka (make test-kafka)")
	}
	suffix := strconv.FormatInt(time.Now().UnixMilli(), 36)
	r := &rollout{run: newRun(t, "--bootstrap", brokers, "--service", "rollout-"+suffix+"-", "--slots", "8"), w: Workload{Suffix: suffix, Partitions: 4}}
	var err error
	if r.c, err = kafka.Open(kafka.Config{Brokers: strings.Split(brokers, ",")}); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.c.Close() }()
	r.prepare()
	defer func() { r.server.Stop() }()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	loaded := make(chan int, 1)
	go func() { loaded <- r.load(ctx) }()

	r.awaitVersion(1)
	r.restart()
	r.feed(2)
	r.awaitVersion(2)
	r.execute("CREATE OR REPLACE MODEL grade WITH (URI='v3.onnx', ACTIVE='false'); CREATE OR REPLACE MODEL grade WITH (URI='v4.onnx', ACTIVE='false');")
	r.execute("ALTER MODEL grade SET TRAFFIC (2 = 90, 3 = 10) BY usr;")
	r.restart()
	r.awaitVersion(3)
	r.execute("ALTER MODEL grade CANARY 4 TRAFFIC 20 BY usr PROMOTE WHEN rows > 1000000 ROLLBACK WHEN compared >= 50 AND difference > 100;")
	r.restart()
	r.awaitDescription("canary 4 rolled back: COMPARED >= 50 AND DIFFERENCE > 100")
	r.restart()
	time.Sleep(time.Second) // rows after the rollback
	stop()
	r.verify(<-loaded)
}

func (r *rollout) execute(sql string) {
	r.t.Helper()
	if err := r.api.Execute(r.t.Context(), sql, earliest); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rollout) restart() {
	r.server.Kill()
	r.start(r.t.Context())
}

// prepare makes topics, files and definitions.
func (r *rollout) prepare() {
	folder := filepath.Join(r.dir, "data", "models")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		r.t.Fatal(err)
	}
	for n, addend := range addends {
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("v%d.onnx", n)), modeltest.Linear(float32(addend), 1), 0o600); err != nil {
			r.t.Fatal(err)
		}
	}
	for _, spec := range []kafka.TopicSpec{
		{Name: r.w.Topic("visits"), Partitions: r.w.Partitions, Configs: map[string]string{"retention.ms": "-1"}},
		{Name: r.w.Topic("graded"), Partitions: r.w.Partitions, Configs: map[string]string{"retention.ms": "-1"}},
		{Name: r.w.Topic("models"), Partitions: 1, Configs: map[string]string{"cleanup.policy": "compact"}},
	} {
		if err := r.c.CreateTopic(r.t.Context(), spec); err != nil {
			r.t.Fatal(err)
		}
	}
	r.feed(1)
	r.start(r.t.Context())
	r.execute(fmt.Sprintf(`CREATE MODEL grade WITH (TOPIC='%s', KEY='grade');
		CREATE STREAM visits (id STRING KEY, usr STRING, x DOUBLE) WITH (KAFKA_TOPIC='%s', VALUE_FORMAT='JSON');
		CREATE STREAM graded WITH (KAFKA_TOPIC='%s') AS SELECT id, usr, x, PREDICT(grade, x) AS score, MODEL_VERSION(grade) AS v FROM visits;`,
		r.w.Topic("models"), r.w.Topic("visits"), r.w.Topic("graded")))
}

// feed sends a version to the topic that the model comes from.
func (r *rollout) feed(version int) {
	p := r.c.NewProducer(kafka.ProducerConfig{})
	defer p.Close()
	rec := kafka.Record{Timestamp: time.Now().UnixMilli(), Key: []byte("grade"), Value: modeltest.Linear(float32(addends[version]), 1)}
	if err := p.Produce(r.t.Context(), kafka.ProduceBatch{Topic: r.w.Topic("models"), Records: []kafka.Record{rec}}); err != nil {
		r.t.Fatal(err)
	}
}

// load produces visits until ctx ends, and returns how many. A batch whose outcome is not known is sent again: verify reads what is there.
func (r *rollout) load(ctx context.Context) int {
	p := r.c.NewProducer(kafka.ProducerConfig{})
	defer p.Close()
	for n := 0; ; {
		batches := make([]kafka.ProduceBatch, r.w.Partitions)
		for range 100 {
			id := strconv.Itoa(n)
			value, _ := json.Marshal(visit{user(n * 7919 % 200), float64(n % 1000)}) // plain fields can always be written
			part := kafka.PartitionFor([]byte(id), r.w.Partitions)
			batches[part].Topic, batches[part].Partition = r.w.Topic("visits"), part
			batches[part].Records = append(batches[part].Records, kafka.Record{Timestamp: firstEvent + int64(n), Key: []byte(id), Value: value})
			n++
		}
		if err := r.w.send(ctx, p, batches); err != nil {
			return n
		}
		select {
		case <-ctx.Done():
			return n
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// outputs are the graded rows by partition, with the ids of their visits.
func (r *rollout) outputs() (rows [][]graded, ids map[string]int) {
	rows, ids = make([][]graded, r.w.Partitions), map[string]int{}
	err := r.w.read(r.t.Context(), r.c, "graded", func(rec *kafka.Record) error {
		var g graded
		part := kafka.PartitionFor(rec.Key, r.w.Partitions)
		err := json.Unmarshal(rec.Value, &g)
		rows[part] = append(rows[part], g)
		ids[string(rec.Key)]++
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return rows, ids
}

// awaitVersion waits until every partition has rows that a version has scored.
func (r *rollout) awaitVersion(version int) {
	r.t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(200 * time.Millisecond) {
		rows, _ := r.outputs()
		there := 0
		for _, part := range rows {
			for i := range part {
				if part[i].Version == version {
					there++
					break
				}
			}
		}
		if there == len(rows) {
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("version %d scores in %d partitions of %d\n%s", version, there, len(rows), r.evidence(r.t.Context()))
		}
	}
}

func (r *rollout) awaitDescription(want string) {
	r.t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		b, err := r.api.Ask(r.t.Context(), "DESCRIBE MODEL grade;", nil)
		var list []struct{ Rollout string }
		if err == nil {
			err = json.Unmarshal(b, &list)
		}
		if err != nil || len(list) != 1 {
			r.t.Fatalf("%s: %v", b, err)
		}
		if strings.Contains(list[0].Rollout, want) {
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("the rollout is %q\n%s", list[0].Rollout, r.evidence(r.t.Context()))
		}
	}
}

// verify compares inputs with outputs.
func (r *rollout) verify(sent int) {
	want := map[string]int{}
	err := r.w.read(r.t.Context(), r.c, "visits", func(rec *kafka.Record) error { want[string(rec.Key)]++; return nil })
	if err != nil {
		r.t.Fatal(err)
	}
	var rows [][]graded
	for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(200 * time.Millisecond) {
		var ids map[string]int
		rows, ids = r.outputs()
		diffs := differ("rows", want, ids)
		if len(diffs) == 0 {
			break
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("inputs and outputs differ:\n%s\n%s", strings.Join(diffs, "\n"), r.evidence(r.t.Context()))
		}
	}
	counts := map[int]int{}
	for _, part := range rows {
		for i := range part {
			g := &part[i]
			if counts[g.Version]++; g.Score != g.X+addends[g.Version] {
				r.t.Fatalf("%+v was not scored by version %d", g, g.Version)
			}
		}
	}
	for version, share := range map[int]int{3: 10, 4: 20} {
		r.sticks(rows, version, share)
	}
	for n := range addends {
		if counts[n] == 0 {
			r.t.Errorf("version %d has scored nothing", n)
		}
	}
	r.t.Logf("%d visits sent, each scored once; rows by version %v; slowest start %s", sent, counts, r.slowest.Round(time.Millisecond))
}

// sticks checks the part of each partition in which a version had a share of the users: there the users of that version are always the
// same, in all partitions, and about as many as they ought to be. Afterwards nobody has it any more.
func (r *rollout) sticks(rows [][]graded, version, percent int) {
	r.t.Helper()
	owner := map[string]int{} // by user
	for p, part := range rows {
		first, last := -1, -1
		for i := range part {
			if part[i].Version == version {
				if first < 0 {
					first = i
				}
				last = i
			}
		}
		for i := max(first, 0); i <= last; i++ {
			g := &part[i]
			if owner[g.User] == 0 {
				owner[g.User] = g.Version
			}
			if owner[g.User] != g.Version {
				r.t.Fatalf("partition %d: %s was scored by version %d and by %d while version %d had a share", p, g.User, owner[g.User], g.Version, version)
			}
		}
	}
	n := 0
	for _, v := range owner {
		if v == version {
			n++
		}
	}
	if n == 0 || n > len(owner)*percent*2/100 {
		r.t.Errorf("version %d has %d users of %d, and is to have %d%%", version, n, len(owner), percent)
	}
}
