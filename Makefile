# Everything runs from a fresh clone on Debian 12 with Swift 6.3; what else is needed is found or named by .ci/packages.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

SOURCES := Package.swift Sources Tests

# Suites that measure: time-outs, memory, what is written. They run after the others, one by one.
MEASURING := APIServerTests|PostgresTests|HostileClientsTests|APITests.RateLimitTests|CollidingKeysTests|EngineTests.AssignmentTests

.PHONY: run
run: ## Build and start Switchboard with a demo workspace; Ctrl-C stops it. ARGUMENTS="--listen …" are handed on
	@.ci/packages run
	swift build -c release --product switchboard
	@exec .build/release/switchboard serve --demo $(ARGUMENTS)

.PHONY: test
test: ## Lint, build and run the whole suite on a PostgreSQL of its own. FILTER=Name runs less
	@.ci/packages test
	@$(MAKE) lint
	swift build --build-tests
	@.ci/venv Tests/requirements.txt .build/venv
ifdef FILTER
	@.ci/with-postgres swift test --skip-build --filter '$(FILTER)'
else
	@.ci/with-postgres swift test --skip-build --skip '$(MEASURING)'
	@.ci/with-postgres swift test --skip-build --no-parallel --filter '$(MEASURING)'
	@$(MAKE) bench-short
	@python3 -m chaos --test --program .build/debug/switchboard
endif

.PHONY: chaos
chaos: ## Break everything under load, for an hour, and check the books. MINUTES=4 SEED=1 ROWS=kill,cut RATE=60 LOG=file
	@.ci/packages chaos
	swift build -c release --product switchboard
	@python3 -m chaos --program .build/release/switchboard $(if $(MINUTES),--minutes $(MINUTES)) \
		$(if $(SEED),--seed $(SEED)) $(if $(ROWS),--rows $(ROWS)) $(if $(RATE),--rate $(RATE)) $(if $(LOG),--log $(LOG))

.PHONY: soak
soak: ## Break nothing for half an hour, and see that all stays as it was. MINUTES=30 RATE=150 LOG=file
	@.ci/packages chaos
	swift build -c release --product switchboard
	@python3 -m chaos --program .build/release/switchboard --soak $(or $(MINUTES),30) \
		$(if $(RATE),--rate $(RATE)) $(if $(LOG),--log $(LOG))

.PHONY: bench
bench: ## Measure beside ceilings and peers: docs/benchmarks.md. QUICK=1 takes ten minutes, LINES="inbound drain" fewer lines
	@.ci/packages bench
	swift build -c release --product switchboard
	swift build -c release --product switchboard-bench
	@.ci/venv bench/requirements.txt .build/bench-venv
	@.build/bench-venv/bin/python bench/bench.py --scale $(if $(QUICK),quick,full) --output .build/benchmarks.md $(LINES)

# Every line for a moment, without peers and without judging: that it runs, and that the books agree. Builds are the tests'.
.PHONY: bench-short
bench-short:
	@python3 bench/bench.py --scale short --programs .build/debug $(LINES)

.PHONY: build
build: ## Build the release program: .build/release/switchboard
	@.ci/packages run
	swift build -c release --product switchboard

.PHONY: format
format: ## Format all Swift files in place
	swift format --in-place --recursive $(SOURCES)

.PHONY: lint
lint: ## Fail when a Swift file is not formatted
	swift format lint --strict --recursive $(SOURCES)

.PHONY: packages
packages: ## Install the Debian packages that are missing (as root)
	@.ci/packages test

.PHONY: clean
clean: ## Remove what was built. Data in .switchboard/ stays
	rm -rf .build

.PHONY: help
help: ## Show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
