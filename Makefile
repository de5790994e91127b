# make demo        the whole grid in miniature on invented languages, ending in Tables 1 and 6
# make test        the tests
# make test-slow   50 kills, faulty disks, spoilt input, models of true size: over an hour, 9 GB of memory
# make test-slurm  the workflow through a real SLURM cluster, which it installs (Debian, root)
# make mutants     small changes to the code that matters most: do the tests notice?
# make bench       every benchmark in a short form, one after another, in about ten minutes
# make bench-gpu   those that take a GPU, at true size
# make lint        what .ci/run checks besides
# make docs        the documentation as a site, in site/
# make lock        requirements.txt and envs/monoglot.yaml anew from pyproject.toml
#
# Each target makes its own environment first, in .venv, from the pinned requirements.

PYTHON ?= python3
VENV ?= .venv
CORES ?= all
BIN = $(VENV)/bin
READY = $(VENV)/.ready
TORCH = torch==2.13.0
DEMO = results/demo/tables
BENCH = $(BIN)/python benchmarks

.PHONY: demo test test-slow test-slurm mutants bench bench-gpu gpu lint docs lock clean

demo: $(READY)
	@$(BIN)/snakemake --cores $(CORES) --configfile configs/demo.yaml --quiet rules host
	@$(BIN)/monoglot table $(DEMO)/table1.csv
	@echo
	@$(BIN)/monoglot table $(DEMO)/table6.csv
	@echo
	@echo "Tables 1 to 6 as CSV, Markdown and LaTeX: $(DEMO)/"
	@echo "Records of all adapter runs:              results/demo/scores/"
	@echo "Checkpoints, ready to load:               results/demo/models/"
	@echo "All of it on one page, for a browser:     results/demo/report.html"

test: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile
	@echo "Tests mirror the code they are about: see tests/."

test-slow: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -m slow

# SLURM_TESTS=tests/slurm/test_slurm_grid.py is the part that CI runs, in three minutes.
SLURM_TESTS ?= tests/slurm
test-slurm: $(READY)
	tests/slurm/install.sh
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -m slurm --durations=0 $(SLURM_TESTS)

# MUTANTS="--sample 8 --seed 1" tries eight changes of each module; it may name modules too.
mutants: .venv-mutants/.ready
	nice .venv-mutants/bin/python tests/code_changes/run.py $(MUTANTS)

# One line for each benchmark; a side that cannot run here (a peer that is not installed) says so
# and is left out. Their CSV files lie in results/bench.
bench: $(READY)
	$(BENCH)/startup.py --runs 1
	$(BENCH)/planning.py --runs 1
	$(BENCH)/planning.py --runs 1 --state all-done --csv results/bench/planning-all-done.csv
	$(BENCH)/distillation.py --small --batch 2 --micro-batch 2 --length 256 --runs 1
	$(BENCH)/validation.py --small --sentences 16 --runs 1
	$(BENCH)/adapter_runs.py --shape 2x96-192 --steps 2 --runs 1
	$(BENCH)/vocabulary.py counting --runs 1
	$(BENCH)/vocabulary.py trimming --runs 1
	$(BENCH)/growth.py

bench-gpu: gpu $(READY)
	$(BENCH)/distillation.py --device cuda
	$(BENCH)/distillation.py --device cuda --stage second --csv results/bench/distillation-second.csv
	$(BENCH)/adapter_runs.py

gpu:
	@test -e /dev/nvidia0 || { echo "error: there is no NVIDIA GPU here; 'make bench' runs without one" >&2; exit 1; }

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint --configfile configs/demo.yaml

docs: $(READY)
	$(BIN)/python docs/site/config_keys.py > docs/keys.md
	$(BIN)/python docs/site/config_keys.py --schema > schemas/config.schema.yaml
	$(BIN)/python docs/site/commands.py docs/cli.md
	$(BIN)/mkdocs build --quiet
	@echo "Open site/index.html, or see changes as they are made: $(BIN)/mkdocs serve"

$(READY): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "monoglot needs Python 3.11 or newer: make PYTHON=/path/to/python3.11")'
	@echo "Making the environment in $(VENV), once (about two minutes) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(TORCH) -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

# The peers of benchmarks/vocabulary.py, over the libraries that are there already.
.venv-peers/.ready: $(READY)
	$(PYTHON) -m venv .venv-peers
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > "$$(.venv-peers/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/monoglot.pth"
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check --no-deps vocabtrimmer==0.0.2
	@touch $@

# mutmut over the libraries that are there already.
.venv-mutants/.ready: $(READY)
	$(PYTHON) -m venv .venv-mutants
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > "$$(.venv-mutants/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/monoglot.pth"
	.venv-mutants/bin/python -m pip install --quiet --disable-pip-version-check mutmut==3.8.1
	@touch $@

lock:
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet $(TORCH) '.[all,docs,test]'
	(echo "# Made by 'make lock' from pyproject.toml: all but torch and its CUDA packages."; \
	 $(VENV)-lock/bin/python -m pip freeze --exclude monoglot \
	 | grep -vE '^(torch|triton|nvidia-[^m].*|cuda-.*)==') > requirements.txt
	$(VENV)-lock/bin/python envs/lock.py > envs/monoglot.yaml
	rm -rf $(VENV)-lock

clean:
	rm -rf results/demo
