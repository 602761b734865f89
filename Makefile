# The only commands anyone has to know. `make` alone lists them.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PORT ?= 8080
SEEDS ?= 20000
SEED ?= 1
E2E = PYTHONPATH=e2e $(BIN)/python -m touchline_e2e

.DEFAULT_GOAL := help
.PHONY: help run test test-fast drills check format bench bench-peers simulate crds docs lock clean image e2e-tools test-cluster e2e-up e2e-down e2e e2e-kind

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Touchline needs Python 3.11 or newer; this is $$($(PYTHON) --version). Set PYTHON=python3.x"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv module is missing: apt-get install python3-venv"; exit 1; }
	@echo "Setting up $(VENV) (once; about a minute) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q components operator
	@touch $@

run: $(VENV)/.installed ## Start the quickstart engine: open http://127.0.0.1:8080 (PORT=... for another port)
	@exec $(BIN)/touchline up examples/quickstart --port $(PORT)

test: $(VENV)/.installed ## Every test but those on Kubernetes, with real servers (about 20 minutes)
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m "not servers and not browser"
	@$(BIN)/python -m pytest -m "(servers or browser) and not cluster"

drills: $(VENV)/.installed ## Of these the drills alone: a whole engine under kills, provider faults and recordings
	@$(BIN)/python -m pytest -m drill

test-fast: $(VENV)/.installed ## Unit tests only (under 2 minutes)
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m "not servers and not browser and not slow"

check: $(VENV)/.installed ## ruff, mypy (strict), import rules, generated files
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m touchline.api.crds crds --check
	@$(BIN)/python -m touchline.api.reference docs/reference --check
	@$(BIN)/python charts/generate.py --check

format: $(VENV)/.installed ## Format the code and sort its imports
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

bench: $(VENV)/.installed ## Measure; prints a table and writes bench/results.json
	@PYTHONPATH=e2e:tests $(BIN)/python -m bench

bench-peers: $(VENV)/.installed ## The gateway beside Centrifugo (builds it with Go)
	@$(BIN)/python -m bench --peers

simulate: $(VENV)/.installed ## Run the deterministic simulation (SEEDS=20000 SEED=1)
	@$(BIN)/touchline simulate --seeds $(SEEDS) --seed $(SEED)

crds: $(VENV)/.installed ## Generate crds/, docs/reference/ and what the chart repeats
	@$(BIN)/python -m touchline.api.crds crds
	@$(BIN)/python -m touchline.api.reference docs/reference
	@$(BIN)/python charts/generate.py

lock: $(VENV)/.installed ## Renew requirements.lock from pyproject.toml
	@$(BIN)/pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
		--custom-compile-command "make lock" --extra dev pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
		--custom-compile-command "make lock" --constraint requirements.lock --extra image pyproject.toml -o requirements-image.lock

image: $(VENV)/.installed ## Build the container image (IMAGE=name:tag BASE_IMAGE=…; ARCHIVE=1: with no registry, to a file)
	@$(E2E) image $(if $(IMAGE),--tag $(IMAGE)) $(if $(BASE_IMAGE),--base $(BASE_IMAGE)) $(if $(ARCHIVE),--archive)

e2e-tools: $(VENV)/.installed ## Build the programs of a test cluster once into a cache (about 10 minutes)
	@$(E2E) tools --packages

test-cluster: $(VENV)/.installed ## The operator and the harness on a real API server (after e2e-tools)
	@TOUCHLINE_REQUIRE_CLUSTER=1 $(BIN)/python -m pytest -n 2 --dist loadfile -m cluster tests

e2e-up: $(VENV)/.installed ## Start a Kubernetes cluster here and leave it running (NODES=2 for two nodes)
	@$(E2E) up $(if $(NODES),--nodes $(NODES))

e2e-down: $(VENV)/.installed ## End the cluster that e2e-up left running
	@$(E2E) down

e2e: $(VENV)/.installed ## The scenario suite on a cluster of its own, or on the one in KUBECONFIG
	@$(BIN)/python -m pytest e2e/scenarios

e2e-kind: $(VENV)/.installed ## The scenario suite on kind (needs Docker)
	@TOUCHLINE_E2E_CLUSTER=kind $(BIN)/python -m pytest e2e/scenarios

clean: ## Remove the environment and caches
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis bench/out
