# Everything a contributor runs. Needs Python 3.11+ (with venv), git and make; the rest is fetched once.
#   make demo   the whole product on one port of this machine        make test   every check and every test
#   make lint   style, types, floors                                 make bench  the figures
#   make fmt    let ruff rewrite                                     make lock   read pyproject.toml again
#   make messages   collect the texts for translators             make pictures   take those of the papers anew
#   make families   write the page about hostile messages         make fuzz   look for new ones, until stopped
# ARGS reaches the command: make test ARGS="tests/saml -x", make demo ARGS="--port 9000".

VENV  := .venv
BIN   := $(VENV)/bin
ARGS  ?=
JOBS  ?= auto
TOOLS := .cache/test-tools.json

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test lint bench fmt lock messages pictures families fuzz clean

help:
	@sed -n '1,/^$$/s/^# \{0,1\}//p' Makefile

$(VENV)/.runtime: requirements/runtime.lock requirements/build.lock pyproject.toml scripts/environment
	@scripts/environment runtime

$(VENV)/.dev: requirements/dev.lock requirements/build.lock pyproject.toml scripts/environment
	@scripts/environment dev

# What the tests need beside Python packages: a browser, Node.js, xmlsec1. Found, or installed, or a clear refusal.
$(TOOLS): $(VENV)/.dev scripts/test_tools.py $(wildcard tests/*/*/package-lock.json)
	@$(BIN)/python scripts/test_tools.py

demo: $(VENV)/.runtime
	@$(BIN)/vestibule demo $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint $(TOOLS)
	$(BIN)/pytest -n $(JOBS) $(ARGS)

bench: $(VENV)/.dev
	$(BIN)/python -m bench $(ARGS)

fmt: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock:
	@scripts/lock

messages: $(VENV)/.dev
	@scripts/messages

# The pictures in docs/pictures, from a server that is furnished for them.
pictures: $(TOOLS)
	$(BIN)/python -m tests.journeys.pictures

# docs/explanation/hostile-families.md, from the corpus in tests/saml/hostile.
families: $(VENV)/.dev
	@$(BIN)/python -m tests.saml.hostile.page

# Every target in turn, ten minutes each, until stopped or until something else than a refusal comes out.
# make fuzz ARGS="verify -max_total_time=60" takes one of them.
fuzz: $(VENV)/.dev
	@$(BIN)/python -m tests.fuzz $(ARGS)

clean:
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
