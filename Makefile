# Two commands do all the set-up: `git clone`, `make setup`. Needs only Python 3.11-3.13 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export GX_ANALYTICS_ENABLED := false
# tests start many processes, each of which would compile the repository anew
unexport PYTHONDONTWRITEBYTECODE
# which of the long forms `make test-long` runs
LONG ?= long
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-next dev dev-postgres test test-fast test-long lint format bench lock clean

help: ## print this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-10s %s\n", $$1, $$2}'

setup: $(STAMP) ## install everything into .venv

$(STAMP): requirements-dev.lock requirements-uv.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info < (3, 14) else "Gorod needs Python 3.11, 3.12 or 3.13; set PYTHON=...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --compile-bytecode -r requirements-dev.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	$(BIN)/python -m pipelines.dbt_project
	@touch $@

demo: setup ## the main job on the samples: load, gate, build, publish, report
	GOROD_ORIGIN=sample $(BIN)/gorod run --report

# `gorod run` exits with 6 when the gate refuses a load, as it must here.
demo-next: setup ## the day after `make demo`: one city corrects a month, the gate refuses another's file
	GOROD_ORIGIN=sample $(BIN)/python -m sandbox.next_day
	GOROD_ORIGIN=sample GOROD_INBOX_QUIET_S=0 $(BIN)/gorod run --report || test $$? -eq 6
	$(BIN)/gorod explain requests.homiel.2026-10
	$(BIN)/gorod sql "select ref_area, time_period, obs_value, value_before from pub_indicator_value_v1 \
		where is_revised and indicator = 'appeals_per_1000' and breakdown = '_T' order by all"

dev-postgres: setup ## a PostgreSQL server on the loopback interface; says how to use it, Ctrl-C stops it
	$(BIN)/python -m sandbox.postgres $${GOROD_HOME:-.gorod}/postgres

dev: setup ## Dagster's UI on the same state
	$(BIN)/gorod ui

test: setup ## all tests except the long forms
	$(PYTEST) --no-loadscope-reorder -m 'not long'

test-long: setup ## the long forms: every fault, more examples, more rows; LONG='long and not repeated' leaves repetition out
	$(PYTEST) --hypothesis-profile=long -m '$(LONG)'

test-fast: setup ## the tests that take seconds
	$(PYTEST) -m 'not slow and not long'

lint: setup ## style, types, SQL, Dagster's code location
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/gorod check
	$(BIN)/dagster definitions validate --log-level warning
	$(BIN)/sqlfluff lint --disable-progress-bar dbt/models dbt/tests dbt/generated

format: setup ## fix style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/sqlfluff fix --disable-progress-bar dbt/models dbt/tests

bench: setup ## benchmarks as ratios against named alternatives
	$(BIN)/python -m bench

lock: ## resolve the pins again (needs a package index)
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --extra dev --extra bench --constraint requirements.lock pyproject.toml -o requirements-dev.lock

clean: ## remove the demo's state (landing too) and what tools left behind
	rm -rf .gorod .mypy_cache .ruff_cache .pytest_cache .hypothesis dbt/target dbt/logs build *.egg-info
