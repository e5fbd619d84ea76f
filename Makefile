# `make` alone lists the verbs. Everything is installed into .venv, again only when what it depends on has changed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PACKAGING := pyproject.toml setup.py filtered_websocket/messages/accelerator.c
ARGS ?=

# A .venv of another version than that of a PYTHON named on the command line is made anew.
version = $(shell $(1) -c 'import sys; print(*sys.version_info[:2], sep=".")' 2>/dev/null)
ifeq ($(origin PYTHON),command line)
wanted := $(call version,$(PYTHON))
ifneq ($(and $(wanted),$(wildcard $(BIN)/python)),)
ifneq ($(call version,$(BIN)/python),$(wanted))
$(shell rm -rf $(VENV))
endif
endif
endif

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install run test test-tools style format types check docs docs-site modules bench bench-recovery bench-faults instructions conformance fuzz simulate chaos soak limits clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r verb says; do printf '  %-19s %s\n' "make $$verb" "$$says"; done

install: $(VENV)/run.stamp  ## a .venv with fws_server in it

run: install  ## start a server with config.json; ARGS="-p 9001" adds to it
	$(BIN)/fws_server -c config.json $(ARGS)

test: $(VENV)/dev.stamp test-tools  ## all tests and doctests, side by side; ARGS="-k words" picks some
	$(BIN)/python -m tests.run $(ARGS)

test-tools: $(VENV)/tools.stamp  ## what tests need beside Python packages

style: $(VENV)/dev.stamp  ## ruff: rules and form
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/dev.stamp  ## ruff: put into form what can be
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/dev.stamp  ## mypy
	$(BIN)/mypy

check: style types test  ## everything before a commit

docs: $(VENV)/run.stamp  ## docs/options.md and docs/http-api.md, from what the server declares
	$(BIN)/python docs/options.py
	$(BIN)/python docs/http_api.py

modules:  ## every module, and what it is
	@$(PYTHON) docs/modules.py

docs-site: $(VENV)/dev.stamp  ## the documentation as a site, in build/site; complains of what leads nowhere
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bench: $(VENV)/dev.stamp  ## measure, and write docs/benchmarks.md: about 40 minutes; ARGS="--rows tls --rounds 3": a part (bench/README.md)
	$(BIN)/python bench/run.py $(ARGS)

bench-recovery: $(VENV)/dev.stamp  ## clients that are cut off and come back, and docs/benchmarks-recovery.md: 20 minutes; ARGS="--servers history"
	$(BIN)/python bench/recover.py $(ARGS)

bench-faults: $(VENV)/dev.stamp test-tools  ## a Redis Cluster whose masters die, freeze and move: seconds until all is live, against their bars: 2 minutes
	FIGURES=1 $(BIN)/python -m pytest -q -s tests/storage_objects/redis/cluster/test_faults.py $(ARGS)

instructions: $(VENV)/run.stamp  ## count the hot paths' instructions, before and now: a minute; BASE=commit
	$(BIN)/python bench/instructions/compare.py $(BASE)

conformance: $(VENV)/dev.stamp  ## the Autobahn test suite, which needs a Python 2.7: about 15 minutes; FAST=1: sections 1-10
	$(BIN)/python -m tests.conformance.run $(if $(FAST),--fast)

fuzz: $(VENV)/dev.stamp test-tools  ## any bytes, to each parser and to another of its kind: a minute for each; TARGET=heads SECONDS=600
	$(PIP) install 'atheris>=3.0.0'
	$(BIN)/python -m tests.fuzz $(TARGET) --seconds $(or $(SECONDS),60)

simulate: $(VENV)/simulate.stamp  ## nodes, clients and storages of one process, by seeds: what is not as promised: half a minute; SEED=7, HOURS=8
	PYTHONHASHSEED=0 $(BIN)/python -m tests.simulation $(if $(HOURS),--hours $(HOURS),--seed $(or $(SEED),1)) $(ARGS)

chaos: $(VENV)/dev.stamp test-tools  ## real servers, Redises and clients while everything fails: 4 minutes; SEED=7, MINUTES=10, KINDS=nodes,cluster
	$(BIN)/python -m tests.chaos --seed $(or $(SEED),0) --minutes $(or $(MINUTES),0) $(if $(KINDS),--kinds $(KINDS)) $(ARGS)

soak: $(VENV)/dev.stamp  ## every pack under clients that come and go, and docs/endurance.md: an hour; MINUTES=5 SEED=1
	$(BIN)/python -m tests.soak --minutes $(or $(MINUTES),60) --seed $(or $(SEED),0)

limits: $(VENV)/dev.stamp  ## attack each limit, and write into docs/security.md what it cost the server: a minute
	FIGURES=1 $(BIN)/python -m pytest -q tests/end_to_end/test_limits.py -k meets

clean:  ## remove what make made
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis tests/node/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: $(PYTHON) is older than 3.11; name a newer one: make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); echo "make: $(PYTHON) cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/run.stamp: $(PACKAGING) | $(BIN)/python
	$(PIP) install --editable .
	touch $@

$(VENV)/simulate.stamp: $(PACKAGING) | $(BIN)/python
	$(PIP) install --editable '.[simulate]'
	touch $(VENV)/run.stamp $@

$(VENV)/dev.stamp: $(PACKAGING) | $(BIN)/python
	$(PIP) install --editable '.[dev]'
	touch $(VENV)/run.stamp $(VENV)/simulate.stamp $@

# tests/python installs packages of PyPI that have folders of their own, tests/node those of npm, with Node.js itself and a
# browser; tests/debian unpacks programs of Debian. None of them installs a package of the system, or needs rights.
$(VENV)/tools.stamp: $(wildcard tests/python/* tests/debian/install.sh tests/node/package-lock.json tests/node/install.sh tests/node/chromium.mjs) | $(BIN)/python
	tests/python/install.sh $(BIN)/python
	tests/node/install.sh $(BIN)/python
	tests/debian/install.sh
	touch $@
