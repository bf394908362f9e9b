# Needs git, make and Python 3.11 or later; everything else is fetched into .venv on first use.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Each stamp says what .venv holds, and is out of date when pyproject.toml is newer.
RUNTIME := $(VENV)/.installed-runtime
DEV := $(VENV)/.installed-dev
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Servers and clients of others that tests run against, each in an environment of its own: .env-NAME.
JAVASCRIPT := everything mcp-js openai-js
SERVERS := litellm llama mcp-time schemathesis $(JAVASCRIPT)
SHELLS := bash zsh fish
SYSTEM_PACKAGES := gnome-keyring dbus zsh fish nodejs npm systemd nginx-light chromium chromium-driver
SYSTEM_COMMANDS := gnome-keyring-daemon dbus-run-session zsh fish node npm systemd-analyze nginx chromium chromedriver
ARGS ?=

.DEFAULT_GOAL := help
.NOTPARALLEL: # two installations into one .venv would tread on each other
.PHONY: help demo test lint format types build completions screenshots servers system-deps clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(RUNTIME) ## show the main job end to end, against the built-in loopback upstream
	@$(BIN)/hiveloom demo

test: $(DEV) ## run the tests; ARGS="-k name" is passed on to pytest
	$(BIN)/python -m pytest $(ARGS)

lint: $(DEV) ## check style and formatting
	$(BIN)/ruff check
	$(BIN)/ruff format --check

format: $(DEV) ## format, and mend what can be mended by itself
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

types: $(DEV) ## check the types
	$(BIN)/mypy

build: $(DEV) ## build wheel and sdist, install each in a fresh environment and run it
	rm -rf dist
	$(BIN)/python -m build --outdir dist .
	@set -eu; folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	for file in "$(CURDIR)"/dist/*.whl "$(CURDIR)"/dist/*.tar.gz; do \
	    "$(CURDIR)/$(BIN)/python" -m venv --clear "$$folder/venv"; \
	    "$$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check "$$file"; \
	    (cd "$$folder" && echo "$${file##*/}: $$(venv/bin/hiveloom --version)"); \
	done

completions: $(RUNTIME) ## write the shell completions anew
	@mkdir -p completions
	@set -eu; new=$$(mktemp); trap 'rm -f "$$new"' EXIT; \
	for shell in $(SHELLS); do \
	    $(BIN)/hiveloom completion $$shell > "$$new"; \
	    cat "$$new" > completions/hiveloom.$$shell; \
	done

screenshots: $(DEV) ## take the pictures of the documentation anew
	$(BIN)/python docs/make_screenshots.py

servers: $(SERVERS:%=.env-%/.installed) ## install the third-party servers that some tests run against

system-deps: ## install the Debian packages that some tests run against (root or sudo)
	@missing=; PATH="$$PATH:/usr/sbin"; \
	for command in $(SYSTEM_COMMANDS); do \
	    command -v $$command > /dev/null || missing=yes; \
	done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ]; then sudo=; elif sudo -n true 2> /dev/null; then sudo="sudo -n"; else \
	    echo "not root: as root, run: apt-get install $(SYSTEM_PACKAGES)" >&2; exit 1; \
	fi; \
	$$sudo apt-get update -qq && \
	$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
	    $(SYSTEM_PACKAGES) > /dev/null

clean: ## remove what these targets made
	rm -rf $(VENV) $(SERVERS:%=.env-%) build dist .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find hiveloom_cli tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUNTIME): pyproject.toml | $(BIN)/pip
	@echo "installing hiveloom into $(VENV) ..."
	@$(PIP_INSTALL) --editable .
	@touch $@

$(DEV): pyproject.toml | $(BIN)/pip
	@echo "installing hiveloom and its development tools into $(VENV) ..."
	@$(PIP_INSTALL) --editable '.[dev]'
	@touch $(RUNTIME) $@

# Those that are written in JavaScript; no script of a package is run.
$(JAVASCRIPT:%=.env-%/.installed): .env-%/.installed: tests/servers/%.txt
	@command -v npm > /dev/null || { echo "npm not found: make system-deps" >&2; exit 1; }
	@echo "installing $< into .env-$* ..."
	@rm -rf .env-$* && mkdir .env-$*
	@npm install --silent --no-audit --no-fund --ignore-scripts --prefix .env-$* "$$(grep -v '^#' $<)"
	@touch $@

.env-%/.installed: tests/servers/%.txt | $(BIN)/pip
	@echo "installing $< into .env-$* ..."
	@$(PYTHON) -m venv --clear .env-$*
	@.env-$*/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

# pip is the last thing that a new environment gets: half of one does not count.
$(BIN)/pip:
	@command -v $(PYTHON) > /dev/null || { echo "$(PYTHON) not found: install Python 3.11 or later, or name it: make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than 3.11: name another: make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2> /dev/null || { \
	    package=$$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
	    if [ "$$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then \
	        echo "$(PYTHON) cannot make virtual environments: as root, run: apt-get install $$package" >&2; exit 1; \
	    fi; \
	    echo "installing $$package ..."; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y "$$package" > /dev/null; \
	}
	@$(PYTHON) -m venv $(VENV)
