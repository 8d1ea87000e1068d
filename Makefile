# `make` without a target lists the targets. All of them work in a fresh checkout.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.NOTPARALLEL:

BIN := .venv/bin
EXPERIMENT ?= experiments/quickstart.toml
# More arguments for `patchbench run` or for pytest: make bench OPTIONS="--budget 5m"
OPTIONS ?=
# More arguments for `patchbench study`: make study-recorded STUDY="--data DIR"
STUDY ?=

.PHONY: test-packages help bench test check real big random setup format lock clean announce-bench announce-test
.PHONY: study-recorded study-simulated study-real study-small

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-15s %s\n", $$1, $$2}' Makefile

bench: announce-bench setup ## set everything up, then run the quickstart experiment to a verdict
	$(BIN)/patchbench run $(EXPERIMENT) $(OPTIONS)

test: announce-test check real ## set everything up, then check all and run all tests

check: setup ## format, lint, types and the fast tests: no real build
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest -q -n auto $(OPTIONS)

real: setup test-packages ## the slow tests, and those that build and run a real CPython
	$(BIN)/pytest -v -m "(real or slow) and not big" --durations=10 $(OPTIONS)

big: setup test-packages ## years of history, full simulations, the stack of 3.13: more than half an hour
	$(BIN)/pytest -v -rP -m big --durations=10 $(OPTIONS)

random: setup test-packages ## the random tests with 2,000 cases each instead of 200
	$(BIN)/pytest -v -m random --cases 2000 --durations=10 $(OPTIONS)

test-packages: setup
	@scripts/packages.sh packages-test.txt

setup: ## install missing Debian packages (only as root) and make .venv
	@scripts/setup.sh

format: setup ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

study-recorded: setup ## how often the verdicts are right, on recorded results: 2 minutes
	$(BIN)/patchbench study recorded $(STUDY)

study-simulated: setup ## the same, on simulated sessions: about 15 minutes
	$(BIN)/patchbench study simulated $(STUDY)

study-real: setup ## the same, measured: a binary against itself, beside pyperformance: 2 to 3 hours
	$(BIN)/patchbench study real $(STUDY)

study-small: setup ## every study at a small scale, to try them; their results mean nothing
	$(BIN)/patchbench study recorded --small
	$(BIN)/patchbench study simulated --small
	$(BIN)/patchbench study real --small

lock: ## choose new versions for requirements.lock
	scripts/lock.sh

clean: ## remove what was made here; never results or patchbench's home
	rm -rf .venv .setup.lock .mypy_cache .pytest_cache .ruff_cache .hypothesis build *.egg-info
	find bench builder ext tests -name __pycache__ -type d -prune -exec rm -rf {} +

announce-bench:
	@echo 'make bench does three things, and skips what is done already:' >&2
	@echo '  1. missing Debian packages and .venv: 1 to 4 minutes' >&2
	@echo '  2. CPython: fetch the source, build base and candidate: 3 to 6 minutes on 2 cores' >&2
	@echo '  3. measure both, and write the verdict and its report: about 4 minutes' >&2

announce-test:
	@echo 'make test does three things:' >&2
	@echo '  1. missing Debian packages and .venv: 1 to 4 minutes' >&2
	@echo '  2. format, lint, types and the fast tests: 3 to 5 minutes' >&2
	@echo '  3. the slow tests, and those that build and run a real CPython: 17 to 22 minutes on 2 cores' >&2
