# make demo    everything, from a fresh clone: install, convert, fine-tune, evaluate, extract, serve, curl
# make test    the tests; the last line is pytest's count
# make fuzz    the property tests for longer: CASES=100000 of them; SEED=N repeats a run
# make check   linter, formatter, types

VENV ?= .venv
PY := $(VENV)/bin/python
# the first interpreter that runs and is new enough; 3.11 is what the numbers were made with
BASE_PYTHON ?= $(shell for p in python3.11 python3 python3.12 python3.13; do \
	$$p -c "import sys; sys.exit(sys.version_info < (3, 11))" 2>/dev/null && echo $$p && break; done)
STARTED := $(shell date +%s)
CODE := kgtune tests $(wildcard benchmarks) $(wildcard *.py)

.PHONY: venv check format test fuzz coverage demo clean
.DEFAULT_GOAL := test

venv: $(VENV)/.stamp

$(VENV)/.stamp: requirements.txt
	@test -n "$(BASE_PYTHON)" || { echo "No Python 3.11 or newer was found. Install one, or name it: make $(MAKECMDGOALS) BASE_PYTHON=/path/to/python3.11"; exit 2; }
	$(BASE_PYTHON) -m venv $(VENV)
	$(PY) -m pip install --disable-pip-version-check --no-compile --quiet --requirement requirements.txt
	touch $@

check: venv
	$(VENV)/bin/ruff check $(CODE)
	$(VENV)/bin/ruff format --check $(CODE)
	$(VENV)/bin/mypy

format: venv
	$(VENV)/bin/ruff check --fix $(CODE)
	$(VENV)/bin/ruff format $(CODE)

test: venv
	$(PY) -m pytest -q

CASES ?= 100000
SEED ?= $(shell date +%s)
fuzz: venv
	@echo "$(CASES) cases; to repeat: make fuzz CASES=$(CASES) SEED=$(SEED)"
	KGTUNE_FUZZ_CASES=$(CASES) $(PY) -m pytest -q --hypothesis-seed=$(SEED) tests/augmentation/test_augment_properties.py

coverage: venv
	$(VENV)/bin/coverage run -m pytest -q
	$(VENV)/bin/coverage report

demo: venv
	KGTUNE_INSTALL_SECONDS=$$(( $$(date +%s) - $(STARTED) )) $(PY) -m kgtune.demo.run

clean:
	rm -rf $(VENV) fine_tune_output/demo .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
