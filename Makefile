# Every target does its own set-up from a bare machine with Python 3.11 and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
SOURCES := bot handlers storage locales tests

.PHONY: run tour test check bench soak messages format lock screenshots clean

run: $(VENV)/ready
	@$(BIN)/python -m bot run

tour: $(VENV)/ready
	@$(BIN)/python -m tests.tour

test: $(VENV)/ready-to-develop
	$(BIN)/python -m pytest -n 3 --dist loadscope --no-loadscope-reorder

check: $(VENV)/ready-to-develop
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/python -m locales.update --check
	$(BIN)/python -m pytest -q tests/test_migrations.py tests/test_house.py

bench: $(VENV)/ready-to-develop
	$(BIN)/python -m tests.bench

soak: $(VENV)/ready-to-develop
	$(BIN)/python -m tests.soak
	$(BIN)/python -m tests.soak.year
	$(BIN)/python -m tests.soak.competition --faults 0.05

messages: $(VENV)/ready-to-develop
	$(BIN)/python -m locales.update

format: $(VENV)/ready-to-develop
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

# The locks name no index, so that any mirror will do. Needs uv.
lock:
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-annotate --no-emit-index-url -o .ci/requirements-dev.txt
	uv pip compile pyproject.toml --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-annotate --no-emit-index-url \
	  -c .ci/requirements-dev.txt -o .ci/requirements.txt

screenshots: $(VENV)/ready-to-develop
	$(BIN)/python -m tests.screenshots

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .hypothesis build *.egg-info

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/ready: .ci/requirements.txt | $(VENV)/bin/python
	@echo "Setting up (once)…"
	$(PIP) --require-hashes -r .ci/requirements.txt
	@touch $@

$(VENV)/ready-to-develop: .ci/requirements-dev.txt | $(VENV)/bin/python
	@echo "Setting up for development (once)…"
	$(PIP) --require-hashes -r .ci/requirements-dev.txt
	@touch $@ $(VENV)/ready
