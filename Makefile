# Everything starts here: `make demo` and `make test` do their own set-up.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# Every command and worker that a test starts reads this code: compiled once, also where a container's
# environment asks for none to be written.
export PYTHONDONTWRITEBYTECODE :=

BIN := .venv/bin
READY := .venv/.ready
JARS := deploy/kafka/libs/.complete
WORKERS ?= 2
ARGS ?=
DATA ?=

.PHONY: help setup browser oidc postgres demo demo-investigation test test-kill-long check lint types walls deploy-check bench bench-loss bench-memory bench-queries bench-vault clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-20s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## put partywall and its tools into .venv (fetches uv where it is missing)
	@:

$(READY): uv.lock pyproject.toml
	@uv=$$(deploy/tools/uv) && env -u VIRTUAL_ENV "$$uv" sync --frozen --quiet --compile-bytecode
	@touch $@

$(JARS): deploy/kafka/pom.xml
	@deploy/kafka/fetch

browser:
	@deploy/browser/fetch

postgres:
	@deploy/postgres/fetch

oidc:
	@deploy/oidc/fetch

demo: setup ## simulated traffic all the way, then a search for every planted personal value
	@$(BIN)/partywall demo $(ARGS)

demo-investigation: setup ## abuse, a case, two people, evidence, the end of the keys; DATA=DIR keeps it
	@$(BIN)/partywall demo-investigation $(if $(DATA),--data "$(DATA)") $(ARGS)

test: setup browser oidc postgres $(JARS) ## every test but the long ones, those on Kafka, PostgreSQL, a browser and a provider included
	@NEED_KAFKA_TESTS=1 NEED_BROWSER_TESTS=1 NEED_OIDC_TESTS=1 NEED_POSTGRES_TESTS=1 $(BIN)/pytest -q -n $(WORKERS) --dist worksteal -m "not long" $(ARGS)

test-kill-long: setup postgres $(JARS) ## kill -9 stages on real Kafka, and every act of a case at every point; the sample again (minutes)
	@NEED_KAFKA_TESTS=1 NEED_POSTGRES_TESTS=1 $(BIN)/pytest -q -s -m long tests/integration tests/wall $(ARGS)

check: lint types walls deploy-check ## lint, format, types, walls, deployment files

lint: setup
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/yamllint --strict .

types: setup
	@$(BIN)/mypy

walls: setup
	@$(BIN)/lint-imports

deploy-check: setup
	@deploy/check

bench: setup ## lines a second against other ways, after checking that the results are equal
	@$(BIN)/partywall bench $(ARGS)

bench-loss: setup ## share of the hits that is not told, by size of the site, for ways of folding
	@$(BIN)/partywall bench-loss $(ARGS)

bench-memory: setup ## memory of a day that is open, and of one that closes
	@$(BIN)/partywall bench-memory $(ARGS)

bench-queries: setup ## each question of a dashboard, over a year of a hundred sites
	@$(BIN)/partywall bench-queries $(ARGS)

bench-vault: setup ## look an address up in a day of 20 million sealed records, beside a full scan
	@$(BIN)/partywall bench-vault $(ARGS)

clean: ## remove what the other targets made, .venv and Kafka's jars included
	@rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache \
		deploy/kafka/libs deploy/kafka/target deploy/oidc/node_modules
