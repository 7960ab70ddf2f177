# Two commands do everything: `make serve` and `make test`. Needs Python 3.11 or newer and nothing else.
PYTHON ?= python3
PORT ?= 8000
BUDGET ?= 120
# How many processes share the tests, a file at a time, with one thread of torch each; three for two cores, as many wait. Not the files with the most tests
# first, as xdist would have it: that leaves the longest single tests for the end, when one process has nothing to do.
TEST_PROCESSES ?= 3
VENV := .venv
BIN := $(VENV)/bin
# OpenMP's threads would spin at barriers: on a machine that does anything else a step takes many times as long.
export OMP_WAIT_POLICY ?= PASSIVE
# Also where an environment switches it off: the tests start a hundred servers, and each would compile all of our modules.
export PYTHONDONTWRITEBYTECODE =

.PHONY: install serve cluster test slow faults gpu-test lint nano nano-check bench peers aiperf compose-test fuzz lock clients

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("h2serve needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[server,arena,load,dev]'
	touch $@

serve: install
	exec $(BIN)/h2serve serve --port $(PORT)

# The distributed mode on this machine: Redis, one API and two workers, until Ctrl-C.
cluster: install
	exec $(BIN)/h2serve cluster --port $(PORT)

test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder

# The 25 cases of docs/faults.md: kills and cuts real processes. At most 15 minutes on two cores.
faults: install
	$(BIN)/python -m tests.faults

# What make test leaves out for its time: inductor's compiler, and servers that are broken on purpose.
slow: install
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "slow and not fault" --numprocesses 2 --dist loadfile

# What needs a CUDA device; skips with a reason where there is none.
gpu-test: install
	$(BIN)/python -m pytest -m gpu -rs

# More than 20,000 calls made up from the API's own document, in each of the two modes.
fuzz: install
	FUZZ_CALLS=21000 $(BIN)/python -m pytest -rP tests/api/test_fuzz.py

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Trains flux-nano from nothing; BUDGET is in minutes. A stopped run goes on where it was.
nano: install
	$(BIN)/python -m nano.train --minutes $(BUDGET)

nano-check: install
	$(BIN)/python -m nano.check

bench: install
	$(BIN)/h2serve bench --engine

# The peers of load_tests/peers in an environment of their own, with our versions of what both have.
peers: .venv-peers/.installed

.venv-peers/.installed: load_tests/peers/requirements.txt constraints.txt
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --constraint constraints.txt --requirement $<
	touch $@

# aiperf, the outside judge of load_tests/aiperf, in an environment of its own.
aiperf: .venv-aiperf/.installed

.venv-aiperf/.installed: load_tests/aiperf/requirements.txt
	$(PYTHON) -m venv .venv-aiperf
	.venv-aiperf/bin/python -m pip install --quiet --requirement $<
	touch $@

# Other people's clients, which tests/clients runs against ours, each in an environment of its own.
clients: .venv-clients/openai/.installed .venv-clients/litellm/.installed

.venv-clients/%/.installed: tests/clients/%.txt
	$(PYTHON) -m venv .venv-clients/$*
	.venv-clients/$*/bin/python -m pip install --quiet --requirement $<
	touch $@

# The compose file run for real, as root: needs no registry and no Docker, both are made here. At most 20 minutes.
compose-test: install
	$(BIN)/python -m docker.compose_test

# Writes down the versions that are installed now, without local labels such as +cpu.
lock: install
	$(BIN)/python -m pip freeze --exclude-editable | sed -E 's/\+[a-z0-9.]+$$//' > constraints.txt
