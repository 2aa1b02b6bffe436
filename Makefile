# Tocsin's commands. Each does its own set-up; `make help` lists them.
#
# PYTHON names the interpreter that the virtual environment is made with (3.11 or later).

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c

PYTHON ?= python3
WORKERS ?= 2

VENV := .venv
RUN := $(VENV)/bin
PIP := $(RUN)/pip install --disable-pip-version-check
READY := $(VENV)/.ready
SOURCES := $(wildcard operator/tocsin lab tests bench)
TREE := { git status --porcelain; git diff; } 2>/dev/null | sha256sum
PURE_TESTS := tests/unit/model tests/unit/sources tests/unit/stages

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

.PHONY: help
help: ## List these commands
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "make %-10s %s\n", $$1, $$2}'

.PHONY: demo
demo: lab ## Bring everything up, let an alert fire, and show its Slack message on a page
	@$(RUN)/python -m lab.demo

.PHONY: demo-once
demo-once: lab ## The same without a person: exits 0 once the message has come and been resolved
	@$(RUN)/python -m lab.demo --once

.PHONY: test
test: lab ## Run all tests; the pure layers' also for full branch coverage
	@echo "test: the pure layers, with branch coverage"
	@$(RUN)/python -m pytest -q --cov --cov-branch $(PURE_TESTS)
	@echo "test: everything else, with $(WORKERS) workers"
	@$(RUN)/python -m pytest -n $(WORKERS) tests $(PURE_TESTS:%=--ignore=%)

.PHONY: check
check: $(READY) ## Check format, lint, types, layers, and that what is generated is up to date
	@before=$$($(TREE)); $(MAKE) checks || exit 1; test "$$before" = "$$($(TREE))" || \
	  { echo "check: the checks changed the work tree:" >&2; git status --short >&2; exit 1; }
	@echo "check: all passed"

.PHONY: checks
checks: $(READY)
	@echo "check: format"
	@$(RUN)/ruff format --check $(SOURCES)
	@echo "check: lint"
	@$(RUN)/ruff check $(SOURCES)
	@echo "check: types"
	@$(RUN)/mypy $(SOURCES)
	@echo "check: layers"
	@PYTHONPATH=operator $(RUN)/lint-imports
	@test ! -e operator/__init__.py || \
	  { echo "operator/__init__.py would shadow the standard library's operator: remove it" >&2; exit 1; }
	@echo "check: generated files"
	@$(RUN)/python -m tocsin.cli.generate_crds --check crds

.PHONY: generate
generate: $(READY) ## Write crds/ anew from the models
	@$(RUN)/python -m tocsin.cli.generate_crds crds

.PHONY: bench
bench: lab ## Measure throughput and latency, beside Debian's Alertmanager
	@$(RUN)/python -m bench

.PHONY: faults
faults: lab ## Kill the operator under load, and count what is lost and repeated
	@$(RUN)/python -m bench.faults

.PHONY: lock
lock: ## Choose the dependencies' versions anew, into requirements.lock
	@$(PYTHON) -m venv .lab/uv && .lab/uv/bin/pip install --quiet uv
	@.lab/uv/bin/uv pip compile pyproject.toml --extra postgres --group dev --universal \
	  --python-version 3.11 --generate-hashes --no-annotate --upgrade --quiet \
	  --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	  --output-file requirements.lock

.PHONY: clean
clean: ## Remove everything that these commands have made, but not what Git tracks
	@rm -rf $(VENV) .lab build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis \
	  .import_linter_cache .coverage *.egg-info operator/*.egg-info
	@find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +

# The virtual environment. Hash checking makes it the same from any index.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Tocsin needs Python 3.11 or later, and $(PYTHON) is not: make PYTHON=python3.12 ..." >&2; \
	  exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { \
	  echo "$(PYTHON) cannot make virtual environments: install python3-venv" >&2; exit 1; }
	@echo "setup: virtual environment"
	@$(PYTHON) -m venv $(VENV)
	@echo "setup: dependencies from requirements.lock"
	@$(PIP) --progress-bar off --require-hashes -r requirements.lock \
	  | sed -u -n 's/^Collecting \([^ ]*\).*/setup:   \1/p; s/^Installing .*/setup: installing them/p'
	@$(PIP) --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# What the demo, the tests and the benches run against; milliseconds once it is there.
.PHONY: lab
lab: $(READY)
	@$(RUN)/python -m lab.setup
