# `make help` lists the targets. Everything is installed into .venv; nothing outside this folder is changed.

PYTHON ?= python3
VENV := .venv
BENCH := .venv-bench
DRIVE := .venv-drive
FOCUS := .venv-focus
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder
UPGRADE ?= --upgrade
PIP := -m pip --disable-pip-version-check --quiet

# Exactly the packages of a lock file are installed: nothing is resolved again, so that a lock installs the same next year.
# `pip check` then reports anything that is missing. Packages are not built in isolated environments, because those would
# contain the newest releases: the build tools are in the lock files too.
# $(call install,environment,lock,file whose packages are already installed,purpose)
define install
@echo "installing $$(grep == requirements/$(2).txt | grep -vE "== '(win32|emscripten)'" | grep -cvxFf $(3)) packages for $(4)"
@$(1)/bin/python $(PIP) install --no-deps --no-build-isolation --require-hashes --requirement requirements/$(2).txt
@report=$$($(1)/bin/python -m pip check) || { echo "$$report"; exit 1; }
endef

# Without compiled files, every worker of the tests and every command that a test starts would compile all modules again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo cost serve test test-long test-all coverage lint format types docs page bench drive lock clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

demo: $(VENV)/.run ## set up and print the estimate of the README
	@$(BIN)/voicebill estimate --model gpt-realtime-1.5 --minutes 10 --turns 20 --conversations 30000/month --day 2026-11-22

cost: $(VENV)/.logs ## set up for usage logs and calculate the cost of an example log
	@$(BIN)/voicebill cost docs/examples/support-day.jsonl

serve: $(VENV)/.web ## set up and serve the page and the API on this machine
	@$(BIN)/voicebill serve

test: $(VENV)/.dev ## set up, lint, check types, and run the tests and documented examples on every core
	@$(MAKE) --no-print-directory --jobs 2 --output-sync lint types
	$(PYTEST)

test-long: $(VENV)/.dev $(DRIVE)/.drive $(FOCUS)/.focus ## run the tests that take ten seconds or more, and more cases of the others
	$(PYTEST) -m long

test-all: $(VENV)/.dev $(DRIVE)/.drive $(FOCUS)/.focus ## both in one run, which is sooner done
	@$(MAKE) --no-print-directory --jobs 2 --output-sync lint types
	$(PYTEST) -m "long or not long"

coverage: $(VENV)/.dev ## run all tests, slower, and list the lines that no test reaches
	$(PYTEST) -m "long or not long" --cov --cov-report=term-missing:skip-covered

lint: $(VENV)/.dev ## check style, layout and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.dev ## check types with mypy in strict mode
	$(BIN)/mypy

format: $(VENV)/.dev ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.run ## compute docs/one-call.md and docs/providers.md, and write the tables of inputs in docs/parameters.md
	@$(BIN)/voicebill compare --minutes 6 --turns 20 --provider openai --day 2026-11-22 --break-even none --out docs/one-call.md > /dev/null
	@$(BIN)/python -c "import sys; from voicebill.answers.parameters.documentation import with_input_tables; \
		sys.stdout.write(with_input_tables(sys.stdin.read()))" < docs/parameters.md > docs/parameters.md.new
	@mv docs/parameters.md.new docs/parameters.md
	@$(BIN)/python -c "import sys; from datetime import date; from voicebill.facts import load_facts; \
		from voicebill.answers.comparison.documentation import providers_page; \
		sys.stdout.write(providers_page(load_facts(), date(2026, 11, 28)))" > docs/providers.md

page: $(VENV)/.dev ## take the screenshot docs/page.png and draw the preview and the icons with an installed Chromium
	@$(BIN)/python -m tests.web.screenshot
	@$(BIN)/python -m tests.web.preview

bench: $(BENCH)/.bench ## measure voicebill and its peers in the same run
	$(BENCH)/bin/python -W ignore benchmarks/conversation.py
	$(BENCH)/bin/python benchmarks/plan_against_recorded.py
	$(BENCH)/bin/python benchmarks/startup.py
	$(BENCH)/bin/python benchmarks/charts.py
	$(BENCH)/bin/python benchmarks/web.py
	$(BENCH)/bin/python -W ignore -m benchmarks.logs_bench
	$(BENCH)/bin/python -m benchmarks.replayed_calls
	$(BENCH)/bin/python -m benchmarks.invoices

drive: $(VENV)/.dev $(if $(LATEST),,$(DRIVE)/.drive) ## cost what voice packages log, and write docs/log-formats.md; LATEST=1: their newest releases
ifdef LATEST
	@echo "setting up $(DRIVE)-latest"
	@$(PYTHON) -m venv --clear $(DRIVE)-latest
	@$(BIN)/uv pip install --quiet --upgrade --python $(DRIVE)-latest/bin/python --group drive
	$(BIN)/python -m drive.run --python $(DRIVE)-latest/bin/python $(if $(KEEP),--keep $(KEEP))
else
	$(BIN)/python -m drive.run --python $(DRIVE)/bin/python --write $(if $(KEEP),--keep $(KEEP))
endif

lock: $(VENV)/.dev ## resolve the dependencies again and write their hashes; UPGRADE= keeps the locked versions
	UV="$(BIN)/uv pip compile --quiet --universal $(UPGRADE) --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header" && \
	$$UV pyproject.toml --group build --output-file requirements/run.txt && \
	$$UV pyproject.toml --extra logs --group build --constraint requirements/run.txt --output-file requirements/logs.txt && \
	$$UV pyproject.toml --extra web --group build --constraint requirements/logs.txt --output-file requirements/web.txt && \
	$$UV pyproject.toml --all-extras --group build --group dev --constraint requirements/web.txt --output-file requirements/dev.txt && \
	$$UV pyproject.toml --extra web --group build --group bench --constraint requirements/web.txt --output-file requirements/bench.txt && \
	$$UV --group build --group drive --constraint requirements/run.txt --output-file requirements/drive.txt && \
	$$UV --group focus-build --output-file requirements/focus-build.txt && \
	$$UV --group build --group focus-build --group focus --constraint requirements/run.txt \
		--constraint requirements/focus-build.txt --output-file requirements/focus.txt

clean: ## remove everything that the targets created
	rm -rf $(VENV) $(BENCH) $(DRIVE) $(DRIVE)-latest $(FOCUS) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage dist

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

$(DRIVE)/.drive: requirements/run.txt requirements/drive.txt
	@echo "setting up $(DRIVE)"
	@$(PYTHON) -m venv $(DRIVE)
	$(call install,$(DRIVE),run,/dev/null,building packages)
	$(call install,$(DRIVE),drive,requirements/run.txt,the driven packages)
	@touch $@

$(FOCUS)/.focus: requirements/run.txt requirements/focus-build.txt requirements/focus.txt
	@echo "setting up $(FOCUS)"
	@$(PYTHON) -m venv $(FOCUS)
	$(call install,$(FOCUS),run,/dev/null,building packages)
	$(call install,$(FOCUS),focus-build,requirements/run.txt,building FOCUS's own validator)
	$(call install,$(FOCUS),focus,requirements/run.txt,FOCUS's own validator)
	@touch $@
