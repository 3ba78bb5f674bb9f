# Millrace's tasks. `make` alone prints them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
export CGO_ENABLED ?= 0

# Tools are pinned here and not in go.mod; each is built into .cache/tools once.
GOFUMPT      := mvdan.cc/gofumpt@v0.9.2
STATICCHECK  := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOLANGCI     := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
BENCHSTAT    := golang.org/x/perf/cmd/benchstat@latest

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X github.com/millrace/millrace/engine.Version=$(VERSION)
ARGS    ?=

# A package that hangs is ended after so long; the slowest takes two minutes where nothing else runs.
TIMEOUT := -timeout 30m

# The conformance cases of a peer are read where they are present; tests say so when they are not.
export MILLRACE_QTT ?= $(abspath ../shared/qtt)

.PHONY: help
help: ## print this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-18s %s\n", $$1, $$2}'

.PHONY: build
build: ## build the static program bin/millrace
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/millrace ./shell/millrace

.PHONY: build-ort
build-ort: ## build bin/millrace-ort, the same program but that it can open ONNX Runtime's library: it is linked to the system's libc
	go build -tags ort -trimpath -ldflags '$(LDFLAGS)' -o bin/millrace-ort ./shell/millrace

.PHONY: test
test: ## run all tests that need only Go
	go test $(TIMEOUT) ./...

.PHONY: test-long
test-long: build ## run the peer's conformance cases in full, over batch sizes and without the optimizer; the programs of docs/wasm.md, compiled
	@test -d "$(MILLRACE_QTT)" || { echo "there are no cases at MILLRACE_QTT=$(MILLRACE_QTT)"; exit 1; }
	MILLRACE_LONG=1 go test -count=1 -run TestConformance -v ./engine/testdriver/qtt | grep -v '^=== '
	MILLRACE_LONG=1 go test -count=1 ./udf/wasm
	@counts() { echo "$$*"; bin/millrace test --quiet "$$@" | tail -1 || true; }; \
	for b in 1 3 256; do counts $(MILLRACE_QTT)/query-validation-tests --batch-size $$b; done; \
	counts $(MILLRACE_QTT)/query-validation-tests --no-optimizer; \
	counts $(MILLRACE_QTT)/rest-query-validation-tests

.PHONY: demo
demo: build ## run the demo: ARGS=--once exits when done
	bin/millrace demo $(ARGS)

.PHONY: bench
bench: ## run the benchmarks of decode, operators, state, scoring, parser
	go test -run '^$$' -bench . -benchmem $$(grep -rl --include='*_test.go' '^func Benchmark' engine sql udf state | xargs -n1 dirname | sort -u | sed 's|^|./|') $(ARGS)

.PHONY: bench-throughput
bench-throughput: build ## measure the server, Kafka to Kafka: a filter and a windowed count over a million bids
	bin/millrace bench $(ARGS)

# With MILLRACE_KAFKA=127.0.0.1:19092 these measure with a running Kafka, else with a broker in a process of its own.
BENCH_BROKER = $(if $(MILLRACE_KAFKA),--bootstrap $(MILLRACE_KAFKA))

.PHONY: bench-guarantee
bench-guarantee: build ## measure what exactly-once costs against at-least-once, in alternating runs; MILLRACE_KAFKA=host:port
	bin/millrace bench guarantee $(BENCH_BROKER) $(ARGS)

.PHONY: bench-commits
bench-commits: build ## measure transactions a second and how long one takes, at 1, 8 and 32 busy slots; MILLRACE_KAFKA=host:port
	bin/millrace bench commits $(BENCH_BROKER) $(ARGS)

.PHONY: bench-latency
bench-latency: build ## measure the time from a record to its result under read_committed; MILLRACE_KAFKA=host:port
	bin/millrace bench latency $(BENCH_BROKER) $(ARGS)

.PHONY: bench-models
bench-models: build-ort ## measure scoring: native, ONNX Runtime (by us, called directly, from Python) and PREDICT on the same rows (needs Python 3; downloads into .cache)
	.ci/bench-models $(ARGS)

.PHONY: bench-restore
bench-restore: build ## measure starts with KEYS=10000000 keys: from local state, and on an empty disk; MILLRACE_KAFKA=host:port
	bin/millrace bench restore --keys $(or $(KEYS),10000000) $(BENCH_BROKER) $(ARGS)

.PHONY: bench-servers
bench-servers: build ## measure the same load on one, two and three servers of this machine; MILLRACE_KAFKA=host:port
	bin/millrace bench servers $(BENCH_BROKER) $(ARGS)

.PHONY: bench-spill
bench-spill: build ## measure state larger than memory: a join of streams and EMIT FINAL over KEYS=2000000 keys; MILLRACE_KAFKA=host:port
	bin/millrace bench spill --keys $(or $(KEYS),2000000) $(BENCH_BROKER) $(ARGS)

.PHONY: bench-takeover
bench-takeover: build ## measure how long a killed server's work stands still, with and without standbys; MILLRACE_KAFKA=host:port
	bin/millrace bench takeover $(BENCH_BROKER) $(ARGS)

.PHONY: bench-queries
bench-queries: build ## measure 500 queries on one server: create, idle, restart, drop; then 1,000 push queries; MILLRACE_KAFKA=host:port
	bin/millrace bench queries $(BENCH_BROKER) $(ARGS)

.PHONY: fuzz
fuzz: ## fuzz each parser of hostile input for FUZZTIME (default 30s)
	@for p in $$(grep -rl --include='*_test.go' '^func Fuzz' engine sql udf state | xargs -n1 dirname | sort -u); do \
	  for f in $$(grep -hoE '^func Fuzz[A-Za-z0-9]+' $$p/*_test.go | sed 's/func //'); do \
	    echo "== $$p $$f"; go test ./$$p -run '^$$' -fuzz "^$$f$$" -fuzztime $${FUZZTIME:-30s} -fuzzminimizetime 10x || exit 1; done; done

.PHONY: kafka-up
kafka-up: ## start Apache Kafka on loopback (BROKERS=1 or 3); needs a JDK and Maven, fetches Kafka once
	.ci/kafka up $(or $(BROKERS),1)

.PHONY: kafka-down
kafka-down: ## stop it and delete its data
	.ci/kafka down

.PHONY: test-kafka
test-kafka: ## run the broker tests on a real Kafka of three brokers, and kill the server under load there
	.ci/kafka up 3
	MILLRACE_KAFKA=$$(.ci/kafka addr) MILLRACE_KAFKA_CTL=$(abspath .ci/kafka) go test -p 1 -count=1 $(TIMEOUT) ./engine/cluster/... ./engine/kafka/...
	MILLRACE_KAFKA=$$(.ci/kafka addr) go test -p 1 -count=1 $(TIMEOUT) -run Kafka -v ./engine ./engine/chaos
	.ci/kafka down

.PHONY: chaos
chaos: ## break everything under load on real Kafka, then compare: SEED=1 FAULTS=70 BROKERS=3 STANDBYS=1 INJECT=skip-rollback
	.ci/kafka up $(or $(BROKERS),3)
	@s=0; MILLRACE_KAFKA=$$(.ci/kafka addr) MILLRACE_KAFKA_CTL=$(abspath .ci/kafka) MILLRACE_SEED=$(or $(SEED),1) MILLRACE_FAULTS=$(or $(FAULTS),70) \
	  MILLRACE_STANDBYS=$(or $(STANDBYS),1) MILLRACE_INJECT=$(INJECT) go test -count=1 -timeout 60m -run 'TestChaos$$' -v ./engine/chaos > .cache/chaos.log 2>&1 || s=$$?; \
	  .ci/kafka down; grep -v '^faults' .cache/chaos.log || true; grep '^faults' .cache/chaos.log; exit $$s

.PHONY: soak
soak: ## keep a server under a steady load on real Kafka, and fail if memory or disk grow: MINUTES=20 RATE=300
	.ci/kafka up 1
	@s=0; MILLRACE_KAFKA=$$(.ci/kafka addr) MILLRACE_SOAK=$(or $(MINUTES),20) MILLRACE_RATE=$(or $(RATE),300) \
	  go test -count=1 -timeout 0 -run 'TestSoak$$' -v ./engine/chaos 2>&1 | tee .cache/soak.log || s=$$?; \
	  .ci/kafka down; grep '^soak' .cache/soak.log; exit $$s

.PHONY: cover
cover: ## test coverage by package
	go test -cover ./engine/... ./sql/... ./state/... ./udf/... ./shell/... | grep -v "no test files"

.PHONY: golden
golden: ## rewrite the expected results of script tests; read the difference before you keep it
	go test $$(grep -rl --include='*_test.go' 'cockroachdb/datadriven' engine sql udf state | xargs -n1 dirname | sort -u | sed 's|^|./|') -rewrite
	go test ./docs -count=1 -run TestExamples -rewrite

.PHONY: docs
docs: ## write docs/functions.md anew, from the registry of functions and docs/functions.tmpl
	go test ./docs -count=1 -run TestFunctionsPage -update

.PHONY: conformance
conformance: ## run the peer's cases and write docs/conformance.md anew (some minutes)
	go test ./docs -count=1 -run TestConformancePage -update -timeout 20m

.PHONY: zoo
zoo: ## train the demo's and the tests' models anew (needs Python 3; installs libraries into .cache)
	.ci/zoo

.PHONY: wasm-testdata
wasm-testdata: ## build the WebAssembly modules of the tests anew (needs clang, wasm-ld and npm, which installs compilers into .cache)
	.ci/wasm-testdata

.PHONY: test-model-servers
test-model-servers: ## score on MLServer and MLflow and compare with scikit-learn (needs Python 3; installs both into .cache)
	.ci/model-server $(ARGS)

.PHONY: onnx-node-tests
onnx-node-tests: ## run ONNX's own backend tests against the native models (needs Python 3; downloads them into .cache); ARGS=-race
	.ci/onnx-node-tests -v $(ARGS) | grep -vE '^ *(=== RUN|--- PASS)'

.PHONY: test-ort
test-ort: ## test what needs ONNX Runtime: the ort backend, and ONNX's own tests and the models of the zoo by it (needs Python 3; downloads into .cache)
	.ci/test-ort $(ARGS)

.PHONY: race
race: ## run the tests of engine, state and udf under the race detector (needs gcc)
	CGO_ENABLED=1 go test -race -short $(TIMEOUT) ./engine/... ./state/... ./udf/...

.PHONY: deploy-check
deploy-check: ## render and lint the Helm chart, check the compose file (needs Python 3; fetches its tools once)
	.ci/deploy-check

TOOLS := .cache/tools
.PHONY: tools
tools:
	@mkdir -p $(TOOLS)
	@for t in $(GOFUMPT) $(STATICCHECK) $(GOLANGCI); do \
	  name=$$(basename $${t%@*}); stamp=$(TOOLS)/$$name-$${t##*@}; \
	  if [ ! -x $$stamp ]; then echo "building $$name $${t##*@} (once)"; \
	    GOBIN=$(abspath $(TOOLS)) go install $$t && mv $(TOOLS)/$$name $$stamp; fi; \
	  ln -sf $$(basename $$stamp) $(TOOLS)/$$name; done

.PHONY: check
check: tools ## static checks: format, go.mod, vet, staticcheck, golangci-lint
	@out=$$($(TOOLS)/gofumpt -l engine sql udf state shell docs); test -z "$$out" || { echo "gofumpt: not formatted:"; echo "$$out"; exit 1; }
	go mod tidy -diff
	go vet ./...
	$(TOOLS)/staticcheck ./...
	$(TOOLS)/golangci-lint run ./...

.PHONY: fmt
fmt: tools ## format all Go files
	$(TOOLS)/gofumpt -w engine sql udf state shell docs
