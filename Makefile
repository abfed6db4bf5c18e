# make demo    the main job with simulated upstreams: no key, no network after the installation
# make test    everything that must hold, on SQLite, MariaDB and MySQL
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help demo test lint fuzz bench schema lock clean

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

demo: .venv/local ## ten simulated cities, from the upstreams' answers to a table: no key, no account
	@gans demo

test: lint ## lint, then the whole suite on SQLite, MariaDB and real MySQL (set up where they are missing)
	@pytest -n auto

lint: .venv/dev ## ruff, mypy --strict, import-linter
	@ruff check
	@ruff format --check
	@mypy
	@lint-imports

fuzz: .venv/dev ## 10,000 made-up answers for every parser, others each time (FUZZ=50000 for more)
	@GANS_TEST_EXAMPLES=$(or $(FUZZ),10000) pytest -n auto --databases sqlite tests/survival/test_parsers.py

bench: .venv/dev ## the benchmarks, side by side with peers
	@python -m benchmarks

schema: .venv/dev ## schema/gans.sql and schema/README.md, generated from gans/tables
	@python -m local.dictionary

lock: .venv/dev ## requirements*.txt, compiled anew from pyproject.toml
	@uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --all-extras pyproject.toml -o requirements-dev.txt
	@uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --extra local -c requirements-dev.txt pyproject.toml -o requirements.txt

clean: ## everything that was made here, the demo's data too
	@rm -rf .venv .*_cache build dist *.egg-info data/demo

# A virtual environment, filled from the lock. Debian's python3 comes without venv; as root we fetch it, else we say so.
.venv/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Gans needs Python 3.11 or newer, this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12")'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { test "$$(id -u)" = 0 && apt-get update -qq && apt-get install -y -qq python3-venv; } || { echo "Python has no venv here. Debian: sudo apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv .venv

.venv/local: requirements.txt pyproject.toml | .venv/bin/pip
	@echo "Installing Gans into .venv …"
	@pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	@pip install -q --disable-pip-version-check --no-deps -e .
	@touch $@

.venv/dev: requirements-dev.txt .venv/local
	@echo "Installing what the tests and checks need into .venv …"
	@pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@
