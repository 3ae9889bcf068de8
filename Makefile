# Each target works from a bare clone; requirements/install.py does nothing when nothing changed.
PYTHON ?= python3
WORKERS ?= 2
ARGS ?=

.SILENT:
.PHONY: help run test test-mutants test-deep test-locked test-timing check-browser check-clients check checks bench bench-quick bench-check bench-baseline checklist format lock docs manage clean

PY := .venv/bin/python
NEED := command -v $(PYTHON) >/dev/null \
	|| { echo "Parapet CRM needs Python 3.11 or newer: $(PYTHON) was not found." >&2; exit 1; }; \
	$(PYTHON) requirements/install.py
WITH_DATABASE := $(PY) -m crm.launch throwaway
PYTEST := $(WITH_DATABASE) $(PY) -m pytest -n $(WORKERS)
OPENAPI := $(PY) manage.py spectacular --validate --fail-on-warn
COMPILE := UV_CUSTOM_COMPILE_COMMAND="make lock" .venv/bin/uv pip compile --quiet --universal \
	--generate-hashes --no-emit-index-url --python-version 3.11

help: ## Say what there is to make
	sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' Makefile | expand -t 24

run: ## Serve the CRM with its demo world on http://127.0.0.1:8000/ (HOST=, PORT=, DEMO=0, ROW_SECURITY=on)
	$(NEED) run
	exec $(PY) -m crm.launch run

test: ## Run the tests on a PostgreSQL of their own (ARGS= goes to pytest, WORKERS=2)
	$(NEED) dev
	exec $(PYTEST) $(ARGS)

test-mutants: ## Plant faults, one by one, and list what notices each of them
	$(NEED) dev
	exec env PARAPET_MUTANTS=1 $(PYTEST) tests/mutants tests/security/test_mutants.py tests/oracle/test_mutants.py $(ARGS)

test-deep: ## Run the tests with far more random worlds
	$(NEED) dev
	exec env PARAPET_DEEP=1 $(PYTEST) $(ARGS)

test-locked: ## Run the tests under row-level security, as the role that owns nothing (ARGS=, WORKERS=2)
	$(NEED) dev
	exec env ROW_SECURITY=on $(PYTEST) $(or $(ARGS),tests/api tests/contract tests/admin tests/openapi tests/review tests/security --ignore=tests/security/test_mutants.py)

test-timing: ## Compare the times of answers that must not be told apart (PAIRS=10000)
	$(NEED) dev
	exec $(WITH_DATABASE) $(PY) -m pytest tests/timing/pairs.py --timeout 7200 $(ARGS)

check-browser: ## Try the administration in a browser (needs Chromium; BROWSER= names another)
	$(NEED) dev
	exec $(WITH_DATABASE) $(PY) -m pytest tests/browser/administration.py $(ARGS)

check-clients: ## Generate clients from the served document and let them work (needs Node 20 and npm)
	$(NEED) dev
	exec $(WITH_DATABASE) $(PY) -m pytest tests/clients/generated.py $(ARGS)

bench: ## Compare speed at a million companies and write docs/performance.md (BENCH_LARGEST=10000000)
	$(NEED) dev
	$(PY) -m bench.measure full
	exec $(PY) -m bench.report full

bench-quick: ## The same at a hundred thousand, in minutes; compares with bench/baseline.json
	$(NEED) dev
	$(PY) -m bench.measure quick
	$(PY) -m bench.report quick
	exec $(PY) -m bench.compare quick

bench-check: ## Report the main ratios against bench/baseline.json; fails where one fell by more than 30 %
	$(NEED) dev
	exec $(PY) -m bench.compare check

bench-baseline: ## Measure anew what bench-quick and bench-check compare with, on an idle machine
	$(NEED) dev
	exec $(PY) -m bench.compare write

check: ## Run every check but the tests
	$(NEED) dev
	exec $(WITH_DATABASE) $(MAKE) --no-print-directory checks

checks: # what check runs, with a database around it
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'
	$(PY) manage.py makemigrations --check --dry-run
	$(PY) manage.py check --fail-level WARNING
	new=$$(mktemp) && trap 'rm -f "$$new"' EXIT && $(OPENAPI) --file "$$new" \
	&& $(PY) -m openapi_spec_validator "$$new" \
	&& { cmp -s "$$new" docs/openapi.yaml || { echo "docs/openapi.yaml is old: make docs." >&2; exit 1; }; }

docs: ## Write docs/openapi.yaml, the document of the whole API
	$(NEED) dev
	exec $(WITH_DATABASE) $(OPENAPI) --file docs/openapi.yaml

checklist: ## Write the tests of the acceptance checklist and of the side doors into the docs
	$(NEED) dev
	$(PY) tests/checklist.py
	$(WITH_DATABASE) $(PY) -m tests.mutants.table

format: ## Format the code
	$(NEED) dev
	$(PY) -m ruff check --select I --fix .
	$(PY) -m ruff format .

lock: ## Lock the newest versions that pyproject.toml allows (ARGS="--upgrade-package NAME")
	$(NEED) dev
	$(COMPILE) $(ARGS) -o requirements/uv.txt --group bootstrap
	$(COMPILE) $(ARGS) -o requirements/run.txt pyproject.toml
	$(COMPILE) $(ARGS) -o requirements/dev.txt pyproject.toml --group dev -c requirements/run.txt
	$(COMPILE) $(ARGS) -o requirements/clients.txt --group clients

manage: ## Run a command of manage.py on the private database (ARGS="shell")
	$(NEED) run
	exec $(PY) -m crm.launch private $(PY) manage.py $(ARGS)

clean: ## Remove .venv, the caches and the private database with its data
	$(PYTHON) -m crm.clean
