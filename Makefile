# The verbs of the project. `make help` lists them; options follow in capitals, as in `make demo SHORT=1`.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

CARGO ?= cargo
# `make deps` puts Python packages here, so that nothing of the machine's own Python changes.
PYTHON_HOME := $(CURDIR)/target/python
export PATH := $(PYTHON_HOME)/bin:$(PATH)

# The demo's switches: empty and 0 mean off.
on = $(filter-out 0,$(1))
DEMO_FLAGS = $(if $(call on,$(INTERACTIVE)),--interactive) $(if $(call on,$(SHORT)),--short)

SIM = $(CARGO) run --quiet --release --bin symbolon-sim --
flag = $(if $(2),--$(1) $(2))
# What `make sim SEEDS=…` passes on.
FLEET = $(call flag,world,$(WORLD)) $(call flag,jobs,$(JOBS)) $(call flag,shard,$(SHARD)) $(call flag,budget,$(BUDGET)) $(call flag,keep,$(KEEP))

.PHONY: help
help: ## list the verbs
	@sed -nE 's/^([a-z]+):[^#]*## (.*)/  make \1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r verb what; do printf '%-14s %s\n' "$$verb" "$$what"; done

.PHONY: deps
deps: ## install what the tests can use and is missing: Debian packages, a Python reader of our frames
	@PYTHON_HOME='$(PYTHON_HOME)' .ci/deps

.PHONY: build
build: tools ## build the binaries `symbolon` and `symbolon-sim`, release
	$(CARGO) build --release --bins

.PHONY: demo
demo: build ## run three real nodes through scenarios/demo.toml; SHORT=1 is quick, INTERACTIVE=1 leaves them up
	$(SIM) run scenarios/demo.toml --world live $(DEMO_FLAGS)

.PHONY: test
test: lint ## formatting, lints, house rules, every test
	@if $(CARGO) nextest --version >/dev/null 2>&1; then \
	    set -x; $(CARGO) nextest run --workspace; \
	else \
	    echo 'cargo-nextest is not here, so cargo test runs instead; to get it: cargo install --locked cargo-nextest'; \
	    set -x; $(CARGO) test --workspace --lib --bins --tests; \
	fi
	$(CARGO) test --workspace --features symbolon-core/zoo,symbolon-sim/zoo --test crdt_zoo --test zoo --test example
	$(CARGO) test --workspace --doc

.PHONY: lint
lint: tools ## check formatting and lints; warnings are errors
	@$(CARGO) fmt --all --check || { echo 'formatting differs; to mend it: make fmt' >&2; exit 1; }
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	@! $(CARGO) tree -p symbolon-core -e no-dev -i getrandom 2>/dev/null | grep . || { echo 'symbolon-core draws randomness of the operating system: turn the feature off that brings getrandom in' >&2; exit 1; }

.PHONY: fmt
fmt: tools ## format all code
	$(CARGO) fmt --all

.PHONY: bench
bench: build ## measure; the table is printed, and target/bench/summary.json is for programs
	$(CARGO) bench -p symbolon-core
	$(SIM) bench

.PHONY: zoo
zoo: tools ## hunt every planted bug with fresh seeds, and shrink its plan; ARGS='--only floor-lost --json'
	$(CARGO) run --quiet --release -p symbolon-sim --features zoo --bin symbolon-sim -- zoo $(ARGS)

.PHONY: sim
sim: build ## run many seeds: make sim SEEDS=0..1000 [WORLD=] [JOBS=] [SHARD=1/4] [BUDGET=] [KEEP=]; or anything, ARGS='run …'
	$(SIM) $(if $(SEEDS),fuzz --seeds $(SEEDS) $(FLEET),$(or $(ARGS),--help))

.PHONY: replay
replay: $(if $(SEED),build,$(if $(filter replay,$(MAKECMDGOALS)),$(error a seed is missing, as in `make replay SEED=38`))) ## run one seed again, or a plan, and tell what happened: make replay SEED=38 [WORLD=]
	$(SIM) replay $(SEED) $(call flag,world,$(WORLD))

.PHONY: clean
clean: ## remove all that was built, measured or installed here
	$(CARGO) clean

.PHONY: tools
tools:
	@.ci/deps --check
