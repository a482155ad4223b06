# `make help` lists what there is. Everything installs into .venv; nothing outside this folder is changed.

PYTHON ?= python3
VENV := .venv
BENCH := .venv-bench
BIN := $(VENV)/bin
UPGRADE ?= --upgrade
PIP := -m pip --disable-pip-version-check --quiet

# A lock is installed as it stands: nothing is resolved anew, so that it installs next year what it installs today.
# `pip check` then says whether anything is missing. No package is built in an environment of its own, which would be
# filled with the newest releases: what builds packages is in the locks too.
# $(call install,environment,lock,file whose packages are there already,what it is for)
define install
@echo "installing $$(grep == requirements/$(2).txt | grep -vE "== '(win32|emscripten)'" | grep -cvxFf $(3)) packages for $(4)"
@$(1)/bin/python $(PIP) install --no-deps --no-build-isolation --require-hashes --requirement requirements/$(2).txt
@told=$$($(1)/bin/python -m pip check) || { echo "$$told"; exit 1; }
endef

.DEFAULT_GOAL := help
.PHONY: help demo cost serve test coverage lint format types docs bench lock clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

demo: $(VENV)/.run ## set up and print the estimate that opens the README
	@$(BIN)/voicebill estimate --model gpt-realtime-1.5 --minutes 10 --turns 20 --conversations 30000/month --day 2026-11-22

cost: $(VENV)/.logs ## set up for usage logs and cost an example log
	@$(BIN)/voicebill cost docs/examples/support-day.jsonl

serve: $(VENV)/.web ## set up and serve the page and the API on this machine
	@$(BIN)/voicebill serve

test: $(VENV)/.dev ## set up, lint, check types and run every test and documented example
	@$(MAKE) --no-print-directory lint types
	$(BIN)/python -m pytest

coverage: $(VENV)/.dev ## run every test, slower, and show what none of them reaches
	$(BIN)/python -m pytest --cov --cov-report=term-missing:skip-covered

lint: $(VENV)/.dev ## check style, layout and which way imports go
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.dev ## check types, strictly
	$(BIN)/mypy

format: $(VENV)/.dev ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(VENV)/.run ## compute the table of every way to hold one support call
	@$(BIN)/voicebill compare --minutes 6 --turns 20 --provider openai --day 2026-11-22 --flip none --out docs/one-call.md > /dev/null

bench: $(BENCH)/.bench ## measure against peers in the same run
	$(BENCH)/bin/python -W ignore benchmarks/conversation.py
	$(BENCH)/bin/python benchmarks/startup.py
	$(BENCH)/bin/python benchmarks/web.py
	$(BENCH)/bin/python -W ignore -m benchmarks.logs_bench

lock: $(VENV)/.dev ## resolve the dependencies anew and write their hashes; UPGRADE= keeps what is locked
	UV="$(BIN)/uv pip compile --quiet --universal $(UPGRADE) --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header" && \
	$$UV pyproject.toml --group build --output-file requirements/run.txt && \
	$$UV pyproject.toml --extra logs --group build --constraint requirements/run.txt --output-file requirements/logs.txt && \
	$$UV pyproject.toml --extra web --group build --constraint requirements/logs.txt --output-file requirements/web.txt && \
	$$UV pyproject.toml --all-extras --group build --group dev --constraint requirements/web.txt --output-file requirements/dev.txt && \
	$$UV pyproject.toml --extra web --group build --group bench --constraint requirements/web.txt --output-file requirements/bench.txt

clean: ## remove what the targets made
	rm -rf $(VENV) $(BENCH) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage dist

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "voicebill needs Python 3.11 or later; name one with make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "setting up $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements/run.txt pyproject.toml | $(VENV)/bin/python
	$(call install,$(VENV),run,/dev/null,the command line)
	@$(BIN)/python $(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.logs: requirements/logs.txt $(VENV)/.run
	$(call install,$(VENV),logs,requirements/run.txt,usage logs)
	@touch $@

$(VENV)/.web: requirements/web.txt $(VENV)/.run
	$(call install,$(VENV),web,requirements/run.txt,the page and the API)
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	$(call install,$(VENV),dev,requirements/run.txt,the tests)
	@touch $@

$(BENCH)/.bench: requirements/bench.txt pyproject.toml
	@echo "setting up $(BENCH)"
	@$(PYTHON) -m venv $(BENCH)
	$(call install,$(BENCH),bench,/dev/null,the benchmarks)
	@$(BENCH)/bin/python $(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@
