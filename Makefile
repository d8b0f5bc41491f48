# What a person types. Every target does its own set-up; nothing needs more than Python 3.11, make, git.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SAM_VENV := .venv-sam
SAM_READY := $(SAM_VENV)/.ready

# Our matrices are small: more threads for each only make them wait for each other.
export OPENBLAS_NUM_THREADS := 1
export OMP_NUM_THREADS := 1

# The layers' Makefiles take PYTHON from here, a Python with pip, whatever this make was told.
SAM := env -u MAKEFLAGS SAM_CLI_TELEMETRY=0 PYTHON=$(abspath $(SAM_VENV))/bin/python $(SAM_VENV)/bin/sam

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow test-clients coverage bench bench-overhead bench-peers bench-search bench-stopping bench-suggest check \
	format requirements golden build validate deploy simulate simulate-long mutants clean

help: ## Show what can be typed
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

demo: $(READY) ## Run a whole study on this machine, from search space to an endpoint that answers
	@$(BIN)/python -m tunewright_local.demo

test: $(READY) ## Run the tests
	@$(BIN)/python -m pytest -n 2 --dist loadfile

test-slow: $(READY) $(SAM_READY) ## Run the tests that build what goes to Lambda (a minute, from the network)
	@PYTHON=$(abspath $(SAM_VENV))/bin/python $(BIN)/python -m pytest -m slow

test-clients: $(READY) .venv-sdk2/.ready .venv-sdk3/.ready .venv-cli/.ready ## Run the guide with the SageMaker SDKs, boto3 and the AWS CLI (a quarter of an hour)
	@$(BIN)/python -m pytest -m clients --timeout 1500 tests/clients

coverage: $(READY) ## Run the tests of the domain; every branch of it must be taken
	@$(BIN)/python -m pytest -q -n 2 tests/domain tests/app tests/client tests/web --cov --cov-report=term-missing:skip-covered

simulate: $(READY) ## Run 5,000 schedules of faults, 100 more with the surrogate, and a fault at every call
	@PYTHONPATH=. $(BIN)/python -m tests.simulation random 5000
	@PYTHONPATH=. $(BIN)/python -m tests.simulation random 100 --surrogate
	@PYTHONPATH=. $(BIN)/python -m tests.simulation exhaustive

simulate-long: $(READY) ## Run 100,000 schedules; stop it when you like, it goes on where it was
	@mkdir -p .tunewright
	@PYTHONPATH=. $(BIN)/python -m tests.simulation random 100000 --state .tunewright/simulation.json

mutants: $(READY) ## Plant bugs, each of which the simulation must find
	@PYTHONPATH=. $(BIN)/python -m tests.simulation mutants

bench: $(READY) ## Measure how long the surrogate's work takes on one core
	@PYTHONPATH=. $(BIN)/python bench/speed.py

BENCH := nice -n 15 env PYTHONPATH=.:layers/core:layers/numeric:client:local .venv-bench/bin/python -m

.venv-bench/.ready: bench/requirements.txt
	@$(PYTHON) -m venv .venv-bench && .venv-bench/bin/pip install -q -r bench/requirements.txt && touch $@

bench-search: .venv-bench/.ready ## Compare our searches with plain ones; FULL=1 for all problems and 20 seeds (hours; goes on where it was cut)
	@$(BENCH) bench.search.run $(if $(FULL),--part reporting --conditions right roomy half shifted wide --seeds 20,--part common --seeds 2 --contestants random tunewright-random bayesian tunewright)
	@$(BENCH) bench.search.real --seeds $(if $(FULL),20,1)
	@$(BENCH) bench.search.limited $(if $(FULL),--part reporting --seeds 20,--part common --seeds 1)
	@$(BENCH) bench.search.table --part $(if $(FULL),reporting,common)
	@$(BENCH) bench.search.page

bench-stopping: .venv-bench/.ready ## Replay recorded searches under stopping rules; FULL=1 for 20 seeds
	@$(BENCH) bench.stopping.traces --part reporting --seeds $(if $(FULL),20,1)
	@$(BENCH) bench.stopping.replay --part reporting
	@$(BENCH) bench.stopping.after --part reporting
	@$(BENCH) bench.search.page

.venv-optuna/.ready: bench/requirements-optuna.txt
	@$(PYTHON) -m venv .venv-optuna && .venv-optuna/bin/pip install -q -r bench/requirements-optuna.txt && touch $@

PEERS := syne smac nevergrad
$(PEERS:%=.venv-%/.ready): .venv-%/.ready: bench/requirements-%.txt
	@$(PYTHON) -m venv .venv-$*
	@.venv-$*/bin/pip install -q --disable-pip-version-check --no-deps --require-hashes -r bench/requirements-$*.txt
	@touch $@

bench-peers: .venv-bench/.ready .venv-optuna/.ready $(PEERS:%=.venv-%/.ready) ## Let other libraries search eight problems with five seeds, and rank all (five hours; 6 GB for torch; goes on where it was cut)
	@peers=$$($(BENCH) bench.search.peers) && for each in random tunewright-random bayesian tunewright $$peers; do \
		$(BENCH) bench.search.run --part common --conditions right --seeds 5 --contestants $$each || exit 1; done
	@$(BENCH) bench.search.page

bench-suggest: .venv-bench/.ready .venv-optuna/.ready ## Compare our suggestions with Optuna's GPSampler (hours; 6 GB for torch; goes on where it was cut)
	@$(BENCH) bench.suggest

check: $(READY) ## Lint, types, import contracts, generated files
	@echo "ruff" && $(BIN)/ruff check . && $(BIN)/ruff format --check .
	@echo "mypy" && $(BIN)/mypy
	@echo "import contracts" && PYTHONPATH=. $(BIN)/lint-imports --no-cache
	@echo "generated files" && $(BIN)/python -m tests.golden.check
	@echo "lock files" && $(BIN)/python -m tests.packaging.locks

golden: $(READY) ## Write the generated files anew; read the diff before you commit it
	@$(BIN)/python -m tests.golden.check --write

format: $(READY) ## Format the code
	@$(BIN)/ruff check --fix-only . && $(BIN)/ruff format .

COMPILE = .venv-tools/bin/uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url \
	--no-header --no-annotate

# A layer has the versions that the tests run with, so its lock follows requirements/dev.txt.
LAYER = $(COMPILE) --constraint requirements/dev.txt --python-version 3.13 \
	--python-platform aarch64-manylinux2014

requirements: ## Pin the dependencies anew, with hashes and without URLs
	@test -d .venv-tools || $(PYTHON) -m venv .venv-tools
	@.venv-tools/bin/pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'
	@$(COMPILE) --universal --fork-strategy fewest --python-version 3.11 --extra local --extra dev \
		pyproject.toml --output-file requirements/dev.txt
	@for each in sam sdk2 sdk3 cli; do $(COMPILE) --universal --python-version 3.11 \
		requirements/$$each.in --output-file requirements/$$each.txt; done
	@for each in $(PEERS); do $(COMPILE) --universal --fork-strategy fewest --python-version 3.11 \
		--no-emit-package nvidia-nccl-cu12 --no-emit-package nvidia-nccl-cu13 bench/requirements-$$each.in \
		--output-file bench/requirements-$$each.txt; done
	@printf 'pydantic\naws-lambda-powertools\n' | $(LAYER) - --output-file layers/core/requirements.txt
	@printf 'numpy\n' | $(LAYER) - --output-file layers/numeric/requirements.txt

# A .pyc of this machine's Python would go along, for sam takes the folder as it is.
build: $(SAM_READY) ## Build the layers for Lambda into .aws-sam; TUNEWRIGHT_BUILD_FOR=host for this machine
	@rm -rf functions/__pycache__
	@$(SAM) build
	@$(SAM_VENV)/bin/python layers/report.py .aws-sam/build

validate: $(SAM_READY) ## Hold the template to what SAM and CloudFormation know of it
	@$(SAM) validate --lint --region us-east-1

deploy: build ## Deploy what was built, asking for each parameter
	@$(SAM) deploy --guided

clean: ## Remove what the targets made
	@rm -rf $(VENV) .venv-* .aws-sam .tunewright .pytest_cache .mypy_cache .ruff_cache .hypothesis

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

.venv-%/.ready: requirements/%.txt
	@echo "set-up: $* in a virtual environment of its own, .venv-$* (a minute or two)"
	@$(PYTHON) -m venv .venv-$*
	@env -u PYTHONDONTWRITEBYTECODE .venv-$*/bin/pip install -qq --disable-pip-version-check \
		--no-deps --require-hashes --requirement requirements/$*.txt
	@touch $@

bench-overhead: $(READY) ## Measure what the local SageMaker adds to the trials it runs
	@PYTHONPATH=.:layers/core:layers/numeric:client:local $(BIN)/python -m bench.overhead
