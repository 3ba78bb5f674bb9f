// Package chaos holds the fault harness: servers that are killed and restarted under load, and outputs that must come out
// exactly as if nothing had happened.
//
// What is right is computed in memory from the input topics as they are at the end, so the load may be anything; what is
// there is read back under read_committed.
//
//   - [Workload] is three queries for the tests that kill one server, or the embedded broker.
//   - [EveryKind] is a query of every kind and a model, for TestChaos: two servers behind a [Proxy], and everything fails.
//
// TestChaos needs a Kafka of .ci/kafka and says how many faults there were and in how many rows outputs differ:
//
//	MILLRACE_KAFKA=$(.ci/kafka addr) MILLRACE_KAFKA_CTL=$PWD/.ci/kafka MILLRACE_FAULTS=70 MILLRACE_SEED=1 \
//	  go test -run TestChaos -timeout 40m -v ./engine/chaos
//
// With MILLRACE_INJECT=skip-rollback the servers keep the state of aborted transactions, and the test fails if nobody notices.
package chaos
