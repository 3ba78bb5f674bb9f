package engine

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/udf/model"
	"github.com/millrace/millrace/udf/model/modeltest"
)

// gradingServers are two servers that share a query which scores with version 1 of model grade; version 2 is idle.
func gradingServers(t *testing.T, change ...func(*Options)) [2]*testServer {
	t.Helper()
	broker := testBroker(t)
	servers := [2]*testServer{openServer(t, broker, t.TempDir(), change...), openServer(t, broker, t.TempDir(), change...)}
	e := servers[0].Engine
	sql := `CREATE STREAM visits (id INT KEY, x DOUBLE) WITH (KAFKA_TOPIC='visits', PARTITIONS=8, VALUE_FORMAT='JSON');`
	for n, begin := range []string{"CREATE MODEL", "CREATE OR REPLACE MODEL"} {
		b := modeltest.Linear(float32(n+1), 0)
		sha, _, err := e.UploadModel(t.Context(), bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		sql += fmt.Sprintf("%s grade WITH (URI='sha256:%s', ACTIVE='%t');", begin, sha, n == 0)
	}
	execute(t, e, sql+"CREATE STREAM graded AS SELECT id, PREDICT(grade, x) AS score FROM visits;")
	spread(t, servers[:]...)
	for _, s := range servers {
		waitFor(t, "the servers know each other", func() bool {
			others := s.directory.Servers()
			return len(others) == 1 && others[0].Alive
		})
	}
	return servers
}

// follow waits until both servers score by what the last statement, of the first one, has rolled out.
func follow(t *testing.T, servers [2]*testServer) {
	t.Helper()
	since := servers[0].grades(t).Rollout().Since
	for _, s := range servers {
		waitFor(t, "a server follows the rollout", func() bool { return s.grades(t).Rollout().Since == since && s.cluster.FollowsModels() })
	}
}

// visit sends rows that are scored.
func (s *testServer) visit(t *testing.T, n int) {
	t.Helper()
	var sql strings.Builder
	for id := range n {
		fmt.Fprintf(&sql, "INSERT INTO visits VALUES (%d, %d);", id, id)
	}
	execute(t, s.Engine, sql.String())
}

// grades is the model.
func (s *testServer) grades(t *testing.T) *catalog.Model {
	t.Helper()
	m, ok := s.Catalog().Model("GRADE")
	if !ok {
		t.Fatal("there is no model")
	}
	return m
}

// scoredRows is how many rows a version has scored on this server.
func (s *testServer) scoredRows(version int) int64 {
	got := s.scored.Of(model.VersionID{Model: "GRADE", Version: version})
	return got.Rows + got.ShadowRows
}

// TestCanaryOfTwoServers: conditions speak of all rows of the service, one decision is taken, and each server shows the figures of both.
func TestCanaryOfTwoServers(t *testing.T) {
	servers := gradingServers(t)
	const rows = 64
	execute(t, servers[0].Engine, fmt.Sprintf("ALTER MODEL grade CANARY 2 TRAFFIC 0 PROMOTE WHEN rows >= %d AND errors = 0 ROLLBACK WHEN rows > %d;", rows, rows))
	began := servers[0].grades(t).Rollout().Since
	follow(t, servers)
	servers[0].visit(t, rows)
	var ends [2]int64
	for i, s := range servers {
		waitFor(t, "the canary has ended", func() bool { return s.grades(t).Rollout().Canary == nil })
		r := s.grades(t).Rollout()
		ends[i] = r.Since
		if r.Ended == nil || !r.Ended.Promoted || !strings.HasSuffix(r.Ended.Reason, fmt.Sprintf("(ROWS = %d, ERRORS = 0)", rows)) {
			t.Errorf("it ended by %+v", r.Ended)
		}
		if n := s.scoredRows(2); n == 0 || n == rows {
			t.Errorf("server %d has scored %d rows: the test shows nothing", i, n)
		}
		var list []ModelStatistics
		waitFor(t, "the server to hear the other one", func() bool { // which is silent while the machine is slow
			ents := execute(t, s.Engine, "SHOW MODEL STATISTICS grade;")
			list = ents[0].Body.(ModelStatisticsList).Statistics
			return len(ents[0].Warnings) == 0
		})
		if len(list) != 2 || list[0].Rows != rows || list[1].ShadowRows != rows || list[1].Compared != rows || *list[1].Difference != 1 {
			t.Errorf("server %d shows %+v", i, list)
		} else if in := list[1].Inputs[0]; *in.Min != 0 || *in.Max != rows-1 {
			t.Errorf("server %d shows inputs from %g to %g", i, *in.Min, *in.Max)
		}
		waitFor(t, "the versions to be listed with what both servers scored", func() bool {
			versions := execute(t, s.Engine, "SHOW MODEL VERSIONS grade;")[0].Body.(ModelVersionsList).Versions
			return len(versions) == 2 && versions[0].Rows == rows && versions[1].ShadowRows == rows
		})
	}
	if ends[0] != ends[1] || ends[0] == began {
		t.Errorf("the servers took the decisions %v", ends)
	}
	waitFor(t, "one of the servers to be the one that looks at canaries", func() bool { return servers[0].firstAlive() != servers[1].firstAlive() })
}

// TestServerThatCannotBeAsked: it is named, nothing is promoted without it, and a rollback does not wait for it.
func TestServerThatCannotBeAsked(t *testing.T) {
	servers := gradingServers(t, func(o *Options) { o.Advertise = "" })
	const rows = 64
	execute(t, servers[0].Engine, "ALTER MODEL grade CANARY 2 TRAFFIC 0 PROMOTE WHEN rows > 1000 ROLLBACK WHEN rows > 1000;")
	follow(t, servers)
	servers[0].visit(t, rows)
	waitFor(t, "all rows are scored", func() bool { return servers[0].scoredRows(2)+servers[1].scoredRows(2) == rows })
	for i, s := range servers {
		other := servers[1-i].instance
		waitFor(t, "a warning that names the other server", func() bool {
			ents := execute(t, s.Engine, "SHOW MODEL STATISTICS grade;")
			list, w := ents[0].Body.(ModelStatisticsList).Statistics, ents[0].Warnings
			if len(list) != 2 || list[0].Rows != s.scoredRows(1) || len(w) != 1 || !strings.Contains(w[0], other) {
				t.Fatalf("server %d shows %+v and warns %q", i, list, w)
			}
			return strings.Contains(w[0], "--advertise") // and not that it is silent, as it is while the machine is slow
		})
		waitFor(t, "a promotion to wait for the other server", func() bool {
			err := s.judge(t.Context(), s.grades(t))
			return err != nil && strings.Contains(err.Error(), "not promoted: server "+other)
		})
	}
	execute(t, servers[0].Engine, "ALTER MODEL grade CANARY 2 TRAFFIC 0 PROMOTE WHEN rows >= 100000 ROLLBACK WHEN rows >= 1;")
	follow(t, servers)
	servers[0].visit(t, rows)
	for _, s := range servers {
		waitFor(t, "the canary is rolled back", func() bool { r := s.grades(t).Rollout(); return r.Ended != nil && !r.Ended.Promoted })
	}
}

// TestStatisticsAreForTheService: another service's servers learn nothing, and short questions have short answers.
func TestStatisticsAreForTheService(t *testing.T) {
	s := openServer(t, testBroker(t), t.TempDir())
	for want, r := range map[string]*StatisticsRequest{
		"belongs to service default_": {Service: "other"},
		"asked for twice":             {Service: "default_", Versions: []model.VersionID{{Model: "M", Version: 1}, {Model: "M", Version: 1}}},
	} {
		if _, err := s.ServeStatistics(t.Context(), r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v is answered %v, want %s", r, err, want)
		}
	}
}
