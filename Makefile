# What a person types. Every target does its own set-up; nothing needs more than Python 3.11, make, git.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# Our matrices are small: more threads for each only make them wait for each other.
export OPENBLAS_NUM_THREADS := 1
export OMP_NUM_THREADS := 1

.DEFAULT_GOAL := help
.PHONY: help demo test coverage bench check format requirements golden clean

help: ## Show what can be typed
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

demo: $(READY) ## Run a whole study on this machine, from search space to an endpoint that answers
	@$(BIN)/python -m tunewright_local.demo

test: $(READY) ## Run the tests
	@$(BIN)/python -m pytest -n 2 --dist loadfile

coverage: $(READY) ## Run the tests of the domain; every branch of it must be taken
	@$(BIN)/python -m pytest -q -n 2 tests/domain tests/app tests/client tests/web --cov --cov-report=term-missing:skip-covered

bench: $(READY) ## Measure how long the surrogate's work takes on one core
	@PYTHONPATH=. $(BIN)/python bench/speed.py

check: $(READY) ## Lint, types, import contracts, generated files
	@echo "ruff" && $(BIN)/ruff check . && $(BIN)/ruff format --check .
	@echo "mypy" && $(BIN)/mypy
	@echo "import contracts" && PYTHONPATH=. $(BIN)/lint-imports --no-cache
	@echo "generated files" && $(BIN)/python -m tests.golden.check

golden: $(READY) ## Write the generated files anew; read the diff before you commit it
	@$(BIN)/python -m tests.golden.check --write

format: $(READY) ## Format the code
	@$(BIN)/ruff check --fix-only . && $(BIN)/ruff format .

requirements: ## Pin the dependencies anew, with hashes and without URLs
	@test -d .venv-tools || $(PYTHON) -m venv .venv-tools
	@.venv-tools/bin/pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'
	@.venv-tools/bin/uv pip compile pyproject.toml --quiet --upgrade --extra local --extra dev \
		--generate-hashes --universal --python-version 3.11 --no-emit-index-url --no-header \
		--no-annotate --output-file requirements/dev.txt

clean: ## Remove what the targets made
	@rm -rf $(VENV) .venv-tools .tunewright .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(READY): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| (echo "Tunewright needs Python 3.11 or newer; set PYTHON=python3.13, say" && exit 1)
	@echo "set-up 1/3: a virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@echo "set-up 2/3: libraries, by hash (a minute or two)"
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/pip install -qq --disable-pip-version-check \
		--no-deps --require-hashes --requirement requirements/dev.txt
	@echo "set-up 3/3: tunewright itself"
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/pip install -qq --disable-pip-version-check \
		--no-deps --no-build-isolation --editable .
	@touch $(READY)
