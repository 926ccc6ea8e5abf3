# `make` alone prints the list of targets. Only Python >= 3.11 and make are needed; the rest is installed in .venv.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help install demo up test test-browser test-slow storm check bench bench-page screenshots clean

BIN := .venv/bin
FOR ?=
CARTS ?=
FULL ?=
SEED ?=

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  FOR=30 ends the demo after 30 s, CARTS=10 sets how many carts shop, SEED=7 plays another storm,"
	@echo "  PYTHON=/path/to/python chooses the interpreter for .venv (3.11 or newer)."

install: .venv/installed ## make .venv with the exact versions of constraints.txt

# Runs again only when the dependencies change. pip itself comes first: dependency groups need pip >= 25.1.
# extremitypathfinder, which tests compare routes with, comes without its dependencies: its metadata forbids numpy 2,
# with which it works.
.venv/installed: pyproject.toml constraints.txt
	@python=$$(sh .ci/find-python $(PYTHON)) && \
	echo "installing into .venv with $$python" && \
	{ "$$python" -m venv .venv || { echo "python's venv module is missing (Debian: apt-get install python3-venv)" >&2; exit 1; }; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --upgrade pip
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable . --group test
	@$(BIN)/python -m pip install --quiet --no-deps extremitypathfinder==2.7.2
	@touch $@

demo: install ## the whole stack with the demo store and carts that shop (FOR=30 ends it)
	@$(BIN)/smartcart demo $(if $(FOR),--for $(FOR)) $(if $(CARTS),--carts $(CARTS))

up: install ## the whole stack, until Ctrl-C
	@$(BIN)/smartcart up

test: install ## every test but the browser's and the slow storms
	$(BIN)/python -m pytest -m "not slow" --ignore tests/browser -n auto --dist worksteal --durations 10

test-browser: install ## the web pages in a real Chromium
	$(BIN)/python -m pytest tests/browser -m "not slow"

test-slow: install ## the storms, load and long journeys
	$(BIN)/python -m pytest -m slow --timeout 1800

storm: install ## carts shop while parts are killed, frozen and cut off: a table of promises (FULL=1: the long one)
	$(BIN)/python -m tests.storms $(if $(FULL),--full) $(if $(SEED),--seed $(SEED))

check: install ## style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: install ## how fast: ingest beside a naive worker and the ceilings of its parts (about 8 minutes)
	$(BIN)/smartcart bench

bench-page: install ## from a scan to its line in the browser while 50 carts shop: median (needs Chromium)
	$(BIN)/python -m tests.browser.scan_latency

screenshots: install ## every screen of the web pages into docs/screenshots (needs Chromium)
	$(BIN)/python -m tests.browser.screenshots
	$(BIN)/python -m tests.browser.console_pictures

clean: ## remove .venv and caches; the stack's data in .smartcart stays
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
