# make demo        the whole grid in miniature on invented languages, ending in Tables 1 and 6
# make test        the tests
# make test-slow   the tests at the true size of the models: an hour at most, 9 GB of memory
# make lint        what .ci/run checks besides
# make lock        requirements.txt anew from requirements.in
#
# Each target makes its own environment first, in .venv, from the pinned requirements.

PYTHON ?= python3
VENV ?= .venv
CORES ?= all
BIN = $(VENV)/bin
READY = $(VENV)/.ready
TORCH = torch==2.13.0
DEMO = results/demo/tables

.PHONY: demo test test-slow lint lock clean

demo: $(READY)
	@$(BIN)/snakemake --cores $(CORES) --configfile configs/demo.yaml --quiet rules host
	@$(BIN)/python scripts/show_tables.py $(DEMO)/table1.csv $(DEMO)/table6.csv
	@echo
	@echo "Tables 1 to 6 as CSV, Markdown and LaTeX: $(DEMO)/"
	@echo "Records of all adapter runs:              results/demo/scores/"
	@echo "Checkpoints, ready to load:               results/demo/models/"

test: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile
	@echo "Tests mirror the code they are about: see tests/."

test-slow: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -m slow

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint --configfile configs/demo.yaml

$(READY): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "monoglot needs Python 3.11 or newer: make PYTHON=/path/to/python3.11")'
	@echo "Making the environment in $(VENV), once (about two minutes) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(TORCH) -r requirements.txt
	@touch $@

lock:
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet $(TORCH) -r requirements.in
	(echo "# Made by 'make lock' from requirements.in: all but torch and its CUDA packages."; \
	 $(VENV)-lock/bin/python -m pip freeze | grep -vE '^(torch|triton|nvidia-.*|cuda-.*)==') > requirements.txt
	rm -rf $(VENV)-lock

clean:
	rm -rf results/demo
