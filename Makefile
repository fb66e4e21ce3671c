# `make demo` and `make test` do everything on a fresh machine; `make help` lists the rest.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 2
# Debian's names; pictures of Meta-World need an OpenGL without a screen, web pages the measures of Arial.
SYSTEM_PACKAGES := bubblewrap chromium chromium-driver chromium-headless-shell fonts-liberation libegl1 libgl1 libgl1-mesa-dri libopengl0 postgresql

.PHONY: help demo test test-long lint bench bench-check reference pictures setup system clean

help:  ## Show this list.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | column -t -s $$'\t'

setup: system $(VENV)/.installed  ## Install system packages and .venv with everything.

system:
	@bash .ci/system-packages $(SYSTEM_PACKAGES)

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	@echo "Installing envsuite with every extra (a minute or two) ..."
	$(BIN)/python -m pip install --quiet -c constraints.txt torch==$$(sed -n 's/^torch==//p' constraints.txt)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[all]" --group dev
	$(BIN)/python -m pip check
	$(BIN)/envsuite assets fetch htmx
	$(BIN)/envsuite assets fetch miniwob
	touch $@

demo: setup  ## Score the agents that need no training on quick-v1 and write runs/board.html.
	$(BIN)/envsuite demo --out runs/demo --page runs/board.html --workers $(JOBS)

test: setup lint  ## Lint, then the whole test suite.
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m "not long"

test-long: setup  ## Longer comparisons; the last result is committed under docs/reference/.
	mkdir -p build
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m long -q -rA --no-header | tee build/test-long.log
	{ date -u +"date: %Y-%m-%d"; echo "commit: $$(git rev-parse HEAD)"; echo "command: make test-long"; \
	  grep -oE "^PASSED [^ ]+::[a-z_0-9]+" build/test-long.log | sort | uniq -c | sed "s/ PASSED/ x/"; \
	  tail -n 1 build/test-long.log; } > docs/reference/test-long.txt

lint: $(VENV)/.installed  ## ruff, types and import layers.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	rm -rf build && $(BIN)/python -m pip install --quiet --no-deps --upgrade --target build/types .
	cd build/types && ../../$(BIN)/python -m mypy --config-file ../../pyproject.toml -p envsuite
	cd build/types && PYTHONPATH=. ../../$(BIN)/lint-imports --config ../../pyproject.toml --no-cache

bench: setup  ## Steps a second beside each simulator's own environment; what sandbox, numbers and board cost.
	$(BIN)/python tests/benchmarks/bench.py --write docs/reference/bench.json

bench-check: setup  ## Compare with 0.8 of the committed ratios, and with the limits.
	$(BIN)/python tests/benchmarks/bench.py --check docs/reference/bench.json

reference: $(VENV)/.installed  ## Write the pages that are generated from the catalogue.
	$(BIN)/python docs/reference/generate.py

pictures: demo  ## Make the pictures of the docs: the demo's board, a service with made-up agents, the web pages.
	$(BIN)/python docs/pictures/make.py
	$(BIN)/python docs/pictures/pages.py
	$(BIN)/python docs/pictures/miniwob.py

clean:  ## Remove what the other targets made, results excepted.
	rm -rf $(VENV) .venv-bench build dist *.egg-info
