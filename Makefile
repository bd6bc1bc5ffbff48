# make run: a page at http://127.0.0.1:8000.  make test: what a change must pass.  make help: the rest.
# Needs Python 3.11 or newer, make and git. All that a run leaves behind lies under PARLEY_DATA.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run dev test test-embedded test-scaled long long-embedded long-scaled clients browser faults chaos pooled bench soak check format setup chromium pgbouncer lock

# The shell's word first, then the .env file's, then the folder .parley here.
PARLEY_DATA ?= $(or $(shell sed -n 's/^PARLEY_DATA=//p' .env 2>/dev/null | tail -n 1),.parley)
export PARLEY_DATA
export PYTHONPYCACHEPREFIX = $(abspath $(PARLEY_DATA))/pycache
export PYTHONUNBUFFERED = 1
# Where the shell forbids it, every process of the tests would compile all of Django again.
unexport PYTHONDONTWRITEBYTECODE
export PIP_DISABLE_PIP_VERSION_CHECK = 1
export PIP_NO_INPUT = 1
export MYPY_CACHE_DIR = $(PARLEY_DATA)/cache/mypy
export RUFF_CACHE_DIR = $(PARLEY_DATA)/cache/ruff
export HYPOTHESIS_STORAGE_DIRECTORY = $(PARLEY_DATA)/cache/hypothesis
export PARLEY_CLIENTS = $(abspath $(PARLEY_DATA))/cache/clients
PYTEST := -m pytest -o cache_dir="$(abspath $(PARLEY_DATA))/cache/pytest" -n 3 --dist loadfile --no-loadscope-reorder
QUICK := -m "not long and (smoke or not (clients or browser or faults))"
ENGINE := -m "smoke or not (clients or browser or faults)" tests/engine
LONG := -m "long and (smoke or not (clients or browser or faults))"

# An environment in .venv is used where there is one.
VENV := $(if $(wildcard .venv/bin/python),.venv,$(PARLEY_DATA)/venv)
PY := $(VENV)/bin/python
RUNTIME := $(VENV)/runtime.stamp
DEV := $(VENV)/dev.stamp

help: ## what there is
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r goal text; do \
		printf '  make %-15s %s\n' "$$goal" "$$text"; done

run: $(RUNTIME) ## start Parley: installs, migrates, makes a first owner, serves (PORT=8000)
	@export PARLEY_ENV="$${PARLEY_ENV:-development}"; exec "$(PY)" manage.py quickstart --serve

dev: $(DEV) ## the same on Django's own server, which starts anew when a file changes
	@export PARLEY_ENV="$${PARLEY_ENV:-development}"; "$(PY)" manage.py quickstart && exec "$(PY)" manage.py runserver

test: test-embedded test-scaled check ## on SQLite, on PostgreSQL and Redis, and make check
	@echo "Everything passed: on SQLite, on PostgreSQL with Redis, and make check."

test-embedded: $(DEV) chromium ## the tests on SQLite
	@echo "== Tests on SQLite"
	@TEST_PROFILE=embedded "$(PY)" $(PYTEST) $(QUICK) $(PYTEST_ARGS)

test-scaled: $(DEV) chromium ## the tests on PostgreSQL and Redis
	@echo "== Tests on PostgreSQL and Redis"
	@TEST_PROFILE=scaled "$(PY)" $(PYTEST) $(QUICK) $(PYTEST_ARGS)

long: long-embedded long-scaled ## what takes longer (tests/long.py), on SQLite, then on PostgreSQL and Redis

long-embedded: $(DEV) chromium
	@echo "== Longer tests on SQLite"
	@TEST_PROFILE=embedded "$(PY)" $(PYTEST) $(LONG) $(PYTEST_ARGS)

long-scaled: $(DEV) chromium
	@echo "== Longer tests on PostgreSQL and Redis"
	@TEST_PROFILE=scaled "$(PY)" $(PYTEST) $(LONG) $(PYTEST_ARGS)

clients: $(DEV) chromium ## every client of every front door, as their own teams publish them
	@PARLEY_CLIENTS_REQUIRED=1 "$(PY)" $(PYTEST) -m clients $(PYTEST_ARGS)

browser: $(DEV) chromium ## the page and the admin, in Chromium, as people use them
	@"$(PY)" $(PYTEST) -m browser $(PYTEST_ARGS)

faults: $(DEV) ## the long fault tests, on SQLite, then on PostgreSQL and Redis
	@TEST_PROFILE=embedded "$(PY)" $(PYTEST) -m faults $(PYTEST_ARGS)
	@TEST_PROFILE=scaled "$(PY)" $(PYTEST) -m faults $(PYTEST_ARGS)

chaos: $(DEV) ## break an installation of its own in every way, on both profiles (CHAOS_ARGS="--runs 500")
	@"$(PY)" manage.py chaos --profile both $(CHAOS_ARGS)

pooled: $(DEV) pgbouncer ## tests/engine, then chaos, through a PgBouncer in transaction mode
	@echo "== Tests of the engine through PgBouncer"
	@TEST_PROFILE=scaled TEST_POOLER=pgbouncer "$(PY)" $(PYTEST) $(ENGINE) $(PYTEST_ARGS)
	@"$(PY)" manage.py chaos --profile scaled --pooler --runs 200 $(CHAOS_ARGS)

bench: $(DEV) ## Parley beside a bare copy of its stream: CPU, chunks a second, latency
	@"$(PY)" -m tests.bench --out "$(PARLEY_DATA)/bench" $(BENCH_ARGS)

soak: $(DEV) ## a steady load for an hour on each profile: does anything grow? (SOAK_ARGS="--minutes 10")
	@"$(PY)" -m tests.soak --out "$(PARLEY_DATA)/soak" $(SOAK_ARGS)

check: $(DEV) ## format, lint, types, imports, migrations, deployment
	"$(PY)" -m ruff format --check .
	"$(PY)" -m ruff check .
	"$(PY)" -m mypy
	"$(VENV)/bin/lint-imports" --no-cache
	"$(PY)" manage.py check --fail-level WARNING
	"$(PY)" manage.py makemigrations --check --dry-run
	@echo "manage.py check --deploy, with the settings of a production"
	@PARLEY_ENV=production PARLEY_ENV_FILE=/dev/null PARLEY_PUBLIC_URL=https://parley.example \
		SECRET_KEY="$$("$(PY)" -c 'import secrets; print(secrets.token_urlsafe(60))')" \
		JWT_SIGNING_KEY="$$("$(PY)" -c 'import secrets; print(secrets.token_urlsafe(60))')" \
		SECRETS_KEYS="$$("$(PY)" -c 'import secrets; print(secrets.token_urlsafe(60))')" \
		ACTING_KEYS="$$("$(PY)" -c 'import secrets; print(secrets.token_urlsafe(60))')" \
		DATABASE_URL=postgres://parley@127.0.0.1/parley REDIS_URL=redis://127.0.0.1/0 OPENAI_API_KEY=none \
		ATTACHMENTS_ARE_SHARED=true \
		"$(PY)" manage.py check --deploy --fail-level WARNING

format: $(DEV) ## put the code in shape
	"$(PY)" -m ruff format .
	"$(PY)" -m ruff check --fix .

setup: $(DEV) ## install everything for working on Parley

lock: ## resolve the requirements anew and write both lock files
	@.ci/lock

# --- Installing --------------------------------------------------------------------------------------------------------

$(PY):
	@.ci/make-venv "$(VENV)"

# Python files are compiled as they are first imported (into PYTHONPYCACHEPREFIX), so pip need not compile them all.
# What is downloaded must have a hash of the lock's; the lock names every package, so none is looked for beyond it.
PIP := -m pip install -qq --no-compile --no-deps --require-hashes

$(RUNTIME): requirements.lock | $(PY)
	@.ci/step "Installing what Parley runs on" "$(PY)" $(PIP) -r requirements.lock
	@touch "$@"

$(DEV): requirements-dev.lock requirements.lock | $(PY)
	@.ci/step "Installing what the tests need" "$(PY)" $(PIP) -r requirements.lock -r requirements-dev.lock
	@touch "$(RUNTIME)" "$@"

chromium: # for the browser tests; without one they say so and are skipped
	@.ci/chromium

pgbouncer: # for make pooled, which fails without one
	@.ci/pgbouncer
