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

# The conformance cases of a peer are read where they are present; tests say so when they are not.
export MILLRACE_QTT ?= $(abspath ../shared/qtt)

.PHONY: help
help: ## print this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-18s %s\n", $$1, $$2}'

.PHONY: build
build: ## build the static program bin/millrace
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/millrace ./shell/millrace

.PHONY: test
test: ## run all tests that need only Go
	go test ./...

.PHONY: race
race: ## run the tests of engine, state and udf under the race detector (needs gcc)
	CGO_ENABLED=1 go test -race -short ./engine/... ./state/... ./udf/...

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
