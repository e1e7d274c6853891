# Every task of the project. `make help` lists them; each is safe to run again.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 4
# Only as written after `make`: some systems (WSL) have NAME in every environment.
LAB = $(if $(and $(NAME),$(filter command,$(origin NAME))),--name "$(NAME)")

# A linked environment is that of another working copy: it is used as it is, with the code of this one.
LINKED := $(shell test -L $(VENV) && echo yes)
ifdef LINKED
export PYTHONPATH := $(CURDIR)/operator:$(CURDIR)
endif

# Some images set it; then each of hundreds of processes would compile all modules anew, and each worker all tests.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup lock lint format crds docs test bench-judge install lab-tools lab-up lab-down lab-status demo clean

help: ## list these targets
	@[ -t 1 ] && bold=$$'\033[1m' plain=$$'\033[0m' || bold= plain=; \
	awk -F':.*## ' -v b="$$bold" -v p="$$plain" '/^[a-z-]+:.*## /{printf "  %s%-12s%s %s\n", b, $$1, p, $$2}' $(MAKEFILE_LIST)

setup: $(if $(LINKED),,$(VENV)/.ready) ## the Python environment, from the pinned and hashed requirements

$(VENV)/.ready: requirements/dev.txt pyproject.toml
	@echo "==> Python environment ($(VENV)), one or two minutes the first time"
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and "Python 3.11, 3.12 or 3.13 is needed, found " + sys.version.split()[0] + "; try: make PYTHON=python3.12")'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

lock: setup ## pin the newest allowed versions anew (names, versions and hashes; no addresses)
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml -o requirements/run.txt
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --extra dev pyproject.toml -o requirements/dev.txt

lint: setup ## ruff, mypy strict, the layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	MYPYPATH=examples/perps-bot $(BIN)/mypy examples/perps-bot/*.py
	$(BIN)/lint-imports

format: setup ## let ruff format and mend what it can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

crds: setup ## write crds/ from the models in operator/driftreview/api
	$(BIN)/python -m driftreview.api.crd crds

docs: setup ## write docs/reference.md, docs/reasons.md and the table of docs/metrics.md from the code
	$(BIN)/python -m driftreview.api.docs docs
	$(BIN)/python -m driftreview.runtime.metricsdoc docs/metrics.md

lab-tools: setup ## find or build the lab's programs (the first time takes some minutes)
	$(BIN)/python -m lab tools

lab-up: setup ## start a real control plane and a real Prometheus here (NAME=own: one more lab; PODS=DIR: with pods as processes)
	@$(BIN)/python -m lab up $(LAB) $(if $(PODS),--pods "$(PODS)")

lab-down: setup ## end it (NAME=own: that one)
	@$(BIN)/python -m lab down $(LAB)

lab-status: setup ## what runs, and where (NAME=own: of that one)
	@$(BIN)/python -m lab status $(LAB)

install: setup ## CRDs, account and rights into the cluster of CONTEXT, and a kubeconfig for the operator
	@$(BIN)/python -m lab.install --context $(or $(CONTEXT),$(error name a kubeconfig context: make install CONTEXT=kind-foo))

demo: setup ## a good release promoted, a leaking one rolled back, for real (DEMO=live: with the live service)
	@$(BIN)/python -m lab.demo $(if $(filter live,$(DEMO)),--live) $(if $(CONTEXT),--context $(CONTEXT)) $(if $(KEEP),--keep)

test: lint lab-tools ## everything: lint, unit, property and integration tests
	$(BIN)/pytest -n $(WORKERS) --dist worksteal  # or one worker gets most of what is slow

bench-judge: setup ## the tables that compare our judge with others, REVIEWS each (a progress line tells how far)
	$(BIN)/python -m tests.bench.judge.tables --reviews $(or $(REVIEWS),100)
	$(BIN)/python -m tests.bench.judge.harder --reviews $(or $(REVIEWS),100)
	$(BIN)/python -m tests.bench.judge.events --reviews $(or $(REVIEWS),100)
	$(BIN)/python -m tests.bench.judge.budget --reviews $(or $(REVIEWS),100)

clean: ## remove what the above made here (not the lab's built programs)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist operator.kubeconfig
