# Each target sets up what it needs: an own .venv, made once and quietly reused.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: reproduce test tables notebooks benchmarks clean

## measure every row, print it beside the published one (ROW=eigenfaces for one row)
ROW ?= all
reproduce: $(VENV)/.ready
	$(RUN) -m experiments.reproduce $(ROW)

## lint, types, import contract, doctests and tests
test: $(VENV)/.ready-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/pyright
	$(VENV)/bin/lint-imports
	$(RUN) -m experiments.tables --check
	$(RUN) -m pytest -q --numprocesses 2 --dist loadfile

## rebuild the tables in README.md and docs/ from the records
tables: $(VENV)/.ready
	$(RUN) -m experiments.tables

## build the lectures and run them: notebooks/*.ipynb (on LFW too, where LFW_DIR names it)
notebooks: $(VENV)/.ready-notebooks
	$(RUN) -m notebooks.build --execute

## ratios against peers, written to benchmarks/results/ (a quiet machine, please)
benchmarks: $(VENV)/.ready-bench
	$(RUN) -m benchmarks.verification
	$(RUN) -m benchmarks.eigenfaces
	$(RUN) -m benchmarks.frontalize
	$(RUN) -m benchmarks.locally_connected
	$(RUN) -m benchmarks.deepface
	$(RUN) -m benchmarks.triplets
	$(RUN) -m benchmarks.facenet

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	@echo "making $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.ready: pyproject.toml | $(VENV)/bin/python
	@echo "installing (about a minute, once)"
	@$(RUN) -m pip install --quiet --editable .
	@touch $@

$(VENV)/.ready-notebooks: pyproject.toml | $(VENV)/bin/python
	@echo "installing with what the notebooks need (about a minute, once)"
	@$(RUN) -m pip install --quiet --editable '.[notebooks]'
	@touch $@ $(VENV)/.ready

$(VENV)/.ready-dev: pyproject.toml | $(VENV)/bin/python
	@echo "installing with what the tests need (about a minute, once)"
	@$(RUN) -m pip install --quiet --editable '.[dev]'
	@touch $@ $(VENV)/.ready $(VENV)/.ready-notebooks

$(VENV)/.ready-bench: pyproject.toml | $(VENV)/bin/python
	@echo "installing with the benchmarks' peers, PyTorch among them (some minutes, once)"
	@$(RUN) -m pip install --quiet --editable '.[bench]'
	@touch $@ $(VENV)/.ready

clean:
	rm -rf $(VENV) runs .pytest_cache .ruff_cache notebooks/*.ipynb
