# Millrace's tasks. `make` alone prints them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
export CGO_ENABLED ?= 0

# Tools are pinned here and not in go.mod; each is built into .cache/tools once.
GOFUMPT      := mvdan.cc/gofumpt@v0.9.2
STATICCHECK  := honnef.co/go/tools/cmd/staticcheck@v0.7.0
GOLANGCI     := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.12.0
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
