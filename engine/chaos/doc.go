// Package chaos holds the fault harness: servers that are killed and restarted under load, and outputs that must come out
// exactly as if nothing had happened; and the soak, which watches what a server needs while nothing happens to it.
//
// What is right is computed in memory from the input topics as they are at the end, so the load may be anything; what is
// there is read back under read_committed.
//
//   - [Workload] is three queries for the tests that kill one server, or the embedded broker.
//   - [EveryKind] is a query of every kind and a model, for TestChaos: servers behind a [Proxy], of which one comes and goes,
//     and everything fails. Windows are closed between rounds, while faults go on.
//   - [Steady] is queries whose state comes and goes, for TestSoak.
//
// TestChaos needs a Kafka of .ci/kafka, and says how many faults of each kind there were and in how many rows outputs differ:
//
//	MILLRACE_KAFKA=$(.ci/kafka addr) MILLRACE_KAFKA_CTL=$PWD/.ci/kafka MILLRACE_FAULTS=70 MILLRACE_SEED=1 \
//	  go test -run TestChaos -timeout 60m -v ./engine/chaos
//
// With MILLRACE_INJECT=skip-rollback the servers keep the state of aborted transactions, and the test fails if nobody notices.
//
// TestSoak needs any Kafka. After a quarter of its time it compares medians of memory, disk and what else must not grow:
//
//	MILLRACE_KAFKA=localhost:9092 MILLRACE_SOAK=20 go test -run TestSoak -timeout 0 -v ./engine/chaos
package chaos
