# Everything sets itself up: `make deploy-local` and `make test` work in a fresh clone with Python >= 3.11, Node >= 20
# and make. Nothing is written outside of this folder but the caches of pip, uv, npm and the CDK.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:

# A folder of the caller's on Python's path could shadow what the lock file pins.
unexport PYTHONPATH PYTHONHOME PYTHONSTARTUP VIRTUAL_ENV

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
# $(call install,environment,lock file). uv takes a tenth of pip's time; but it knows its own settings only, so where pip has
# been told of an index, a proxy or a certificate and uv has not, pip does it.
install = $(BIN)/uv pip install --quiet --python $(1)/bin/python --require-hashes --no-deps -r $(2) || { \
	echo "uv could not do it: pip installs $(1), which takes longer ..." >&2; \
	$(PIP) --python $(1)/bin/python install --quiet --require-hashes --no-deps -r $(2); }
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock"

export HEALTHOMICS_LOCAL_HOME ?= $(CURDIR)/.local-aws/home
export HEALTHOMICS_LOCAL_STATE ?= $(CURDIR)/.local-aws/state

PYTHON_READY := $(VENV)/.complete
NODE_READY := node_modules/.complete
CHECKOV_READY := .checkov/.complete
CLIENTS_READY := .clients/.complete
MINIWDL_READY := .miniwdl/.complete
TEST_NODE_READY := tests/node/node_modules/.complete
READY := $(PYTHON_READY) $(NODE_READY)

.PHONY: help
help: ## Show this help
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

##
## The example, on a local AWS

.PHONY: deploy-local
deploy-local: $(READY) ## Deploy the example to a local AWS and follow its run to the result
	@$(BIN)/healthomics-local deploy .
	@echo "(In this folder: make destroy-local.)"

.PHONY: destroy-local
destroy-local: $(READY) ## Destroy the example and stop the local AWS
	@$(BIN)/healthomics-local destroy .
	@$(BIN)/healthomics-local down

##
## Development

.PHONY: test
test: check ministack checkov clients miniwdl $(TEST_NODE_READY) ## Run all checks and all tests
	$(BIN)/python -m pytest -n auto --dist loadscope

.PHONY: test-fast
test-fast: $(READY) ## Run the tests that take less than a minute together
	$(BIN)/python -m pytest -n auto --dist loadscope -m "not slow and not e2e"

.PHONY: laws
laws: $(READY) ## Hold the handler's laws over 20,000 random sequences (some five minutes)
	PYTHONPATH=tests $(BIN)/python -m laws

.PHONY: robustness
robustness: $(READY) ## Let hostile clients at the local HealthOmics, in 35,000 random examples (some five minutes)
	ROBUSTNESS_TIMES=$${ROBUSTNESS_TIMES:-30} $(BIN)/python -m pytest -n auto tests/functional/robustness

.PHONY: coverage
coverage: $(READY) ## Branch coverage of the handler, at least 98 %
	$(BIN)/python -m pytest -q tests/unit/healthomics_run_handler tests/functional/handler --cov --cov-report=
	$(BIN)/coverage report --include='lambda/*' --skip-covered --fail-under=98

.PHONY: mutants
mutants: $(PYTHON_READY) ## Mutation testing of the handler's pure modules (some five minutes)
	$(BIN)/python scripts/mutation_testing.py

.PHONY: bench
bench: $(READY) ## Measure synth, template size, cold start and the local endpoint (some five minutes)
	$(BIN)/python benchmarks/synth.py
	$(BIN)/python benchmarks/cold_start.py
	$(BIN)/python benchmarks/endpoint.py

.PHONY: checkov
checkov: $(CHECKOV_READY) ## Install checkov, for two more tests, into an environment of its own (290 MB)

.PHONY: clients
clients: $(CLIENTS_READY) ## Install other people's clients of HealthOmics, which tests run, likewise (650 MB)

.PHONY: miniwdl
miniwdl: $(MINIWDL_READY) ## Install miniwdl, for the tests of the WDL engine, likewise (40 MB)

.PHONY: check
check: $(READY) ## Lint, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	node_modules/.bin/pyright

.PHONY: lock
lock: $(PYTHON_READY) ## Resolve the lock files again (UPGRADE=--upgrade takes new versions)
	$(COMPILE) $(UPGRADE) --extra local --group dev pyproject.toml -o requirements/dev.lock
	$(COMPILE) $(UPGRADE) local/healthomics_local/ministack.in -o local/healthomics_local/ministack.lock
	$(COMPILE) $(UPGRADE) requirements/checkov.in -o requirements/checkov.lock
	$(COMPILE) $(UPGRADE) requirements/clients.in -o requirements/clients.lock
	$(COMPILE) $(UPGRADE) requirements/miniwdl.in -o requirements/miniwdl.lock

.PHONY: ministack
ministack: $(PYTHON_READY)
	@$(BIN)/python -m healthomics_local.ministack_environment

.PHONY: clean
clean: ## Stop the local AWS and remove everything that make has written
	@if [ -x $(BIN)/healthomics-local ]; then $(BIN)/healthomics-local down; fi
	rm -rf $(VENV) .checkov .clients .miniwdl node_modules tests/node/node_modules .local-aws cdk.out .mypy_cache .pytest_cache .ruff_cache .hypothesis

##
## Set-up; each mark says that its folder is complete

$(PYTHON_READY): requirements/dev.lock pyproject.toml
	@found=; for candidate in "$(PYTHON)" python3 python3.14 python3.13 python3.12 python3.11; do \
		if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			found=$$candidate; break; \
		fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "error: no Python 3.11 or later was found (tried $(PYTHON), python3, python3.11 to python3.14 on the PATH);" \
			"install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1; \
	fi; \
	echo "Set up $(VENV) with $$("$$found" --version) ..."; \
	"$$found" -m venv --clear $(VENV) || { \
		echo "error: $$found cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv" >&2; \
		exit 1; }
	@awk '/^[^ #]/ { wanted = /^uv==/ } wanted' requirements/dev.lock | \
		$(PIP) install --quiet --require-hashes --no-deps -r /dev/stdin
	@$(call install,$(VENV),requirements/dev.lock)
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(CHECKOV_READY): requirements/checkov.lock $(PYTHON_READY)
	@$(BIN)/python -m venv --clear --without-pip .checkov
	@$(call install,.checkov,requirements/checkov.lock)
	@touch $@

$(CLIENTS_READY): requirements/clients.lock $(PYTHON_READY)
	@$(BIN)/python -m venv --clear --without-pip .clients
	@$(call install,.clients,requirements/clients.lock)
	@touch $@

$(MINIWDL_READY): requirements/miniwdl.lock $(PYTHON_READY)
	@$(BIN)/python -m venv --clear --without-pip .miniwdl
	@$(call install,.miniwdl,requirements/miniwdl.lock)
	@touch $@

$(NODE_READY): package-lock.json package.json
	@version=$$(node --version 2>/dev/null | sed 's/^v//'); major=$${version%%.*}; \
	if [ -z "$$version" ] || ! command -v npm >/dev/null; then \
		echo "error: Node.js and npm were not found on the PATH: the CDK CLI needs Node.js 20 or later;" \
			"install it from https://nodejs.org or your system's packages" >&2; exit 1; \
	fi; \
	if [ "$$major" -lt 20 ]; then \
		echo "error: Node.js $$version is too old: the CDK CLI needs 20 or later; install a newer one and put it" \
			"first on the PATH" >&2; exit 1; \
	fi; \
	echo "Set up node_modules with Node.js $$version ..."
	@npm ci --loglevel=error --no-audit --no-fund
	@touch $@

$(TEST_NODE_READY): tests/node/package-lock.json tests/node/package.json $(NODE_READY)
	@npm ci --loglevel=error --no-audit --no-fund --prefix tests/node
	@touch $@
