# Every command of the project. Nothing here needs a running service: what is needed is started.
PYTHON ?= python3
BIN := .venv/bin
LOG ?= embedded
ROUNDS ?= 3
SEED ?=
REPORT ?=
PYTEST := $(BIN)/python -m pytest

.PHONY: help setup demo test quick unit contract integration e2e faults crash-points planted-bugs fuzz test-compose test-k8s lint format bench

help: ## the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: .venv/.installed ## .venv with everything pinned, and the CLI in .venv/bin/antirelou

.venv/.installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name it: make PYTHON=python3.11 …")'
	@echo "1 of 3: a virtual environment in .venv"
	$(PYTHON) -m venv .venv
	@echo "2 of 3: the pinned packages, each by its name; a minute or two, the last of it silent"
	$(BIN)/pip install --progress-bar off --disable-pip-version-check --require-hashes -r requirements.lock
	@echo "3 of 3: antirelou itself"
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

demo: setup ## the weekend of October 2017, in about a minute (LOG=kafka: five processes, a real broker)
	@$(BIN)/antirelou demo --log $(LOG)

test: setup ## every test, on real PostgreSQL and real Kafka: by two processes, then the faults by one
	$(PYTEST) -n 2 --dist loadgroup --no-loadscope-reorder --durations 25 --ignore=tests/faults tests
	$(PYTEST) tests/faults

quick: setup ## the tests that need no service
	$(PYTEST) tests/unit -n auto

unit contract integration e2e: setup ## the tests of one folder
	$(PYTEST) tests/$@

faults: setup ## every fault ROUNDS times, long: 60 kills, 25,000 messages, within the hour (SEED=…, REPORT=file.json)
	ANTIRELOU_FAULTS_LONG=1 ANTIRELOU_FAULTS_ROUNDS=$(ROUNDS) ANTIRELOU_FAULTS_SEED=$(SEED) \
		ANTIRELOU_FAULTS_REPORT=$(REPORT) $(PYTEST) -s --session-timeout=3600 --ignore=tests/faults/crash_points tests/faults

crash-points: setup ## every service killed before and after each of its port calls (`make test` takes a sample)
	ANTIRELOU_FAULTS_ROUNDS=2 ANTIRELOU_FAULTS_SEED=$(SEED) $(PYTEST) -s tests/faults/crash_points

planted-bugs: setup ## plants each known mistake in a scratch copy; a named test must catch it
	$(BIN)/python -m tests.planted

test-compose: setup ## docker-compose.yml for real: needs a Docker engine with Compose
	ANTIRELOU_TEST_DEPLOYED=1 $(PYTEST) -s tests/deployed/test_compose_live.py

test-k8s: setup ## deploy/k8s on a real API server, with real KEDA: needs Go 1.26, and minutes to build once
	ANTIRELOU_TEST_DEPLOYED=1 $(PYTEST) -s tests/deployed/test_k8s_live.py

fuzz: setup ## the two HTTP surfaces, EXAMPLES each (300)
	ANTIRELOU_FUZZ_EXAMPLES=$(or $(EXAMPLES),300) $(PYTEST) --timeout 3600 tests/security/test_fuzz_*.py

lint: setup ## ruff, mypy --strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: setup ## ruff's formatting and safe fixes
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup ## the measurements behind the README's figures
	$(BIN)/python bench/all.py
