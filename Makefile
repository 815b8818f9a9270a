# make demo   set up, then run the whole pipeline on two small simulated recordings
# make status how far the study is: done, running, failed with reason, of each step
# make curate verdicts by hand about cells, saved where the workflow reads them
# make test   set up, then run every test that needs no cluster
# make test-slurm   start a real Slurm on this machine (installed if it is missing), run its tests, end it
SHELL := /bin/bash
PYTHON ?= python3.11
UV := 0.13.9
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: demo status curate test test-environments test-slurm lint format docs sessions lock browser clean

demo: .venv/ready
	@# Small movies: one core each, side by side. The number of threads changes no result.
	@snakemake --profile profiles/local --configfile config/demo/config.yaml --set-threads motion=1 extract=1

# Of another config: make status CONFIG=config/demo/config.yaml
status: .venv/ready
	@PYTHONPATH=workflow/src python -m groundtrace.running.status $(CONFIG)

# The pages, at an address on this machine alone: what is decided on them is saved into curation/. Another config as above.
curate: .venv/ready
	@PYTHONPATH=workflow/src python -m groundtrace.running.curate $(CONFIG)

# Proposes a sample sheet for the recordings of a NeuroBlueprint tree: make sessions FROM=/data > config/sessions.tsv
sessions: .venv/ready
	@PYTHONPATH=workflow/src python -m groundtrace.discovery "$(FROM)"

test: .venv/ready browser
	python -m pytest -n 2 --dist loadfile --no-loadscope-reorder tests --ignore tests/environments --ignore tests/slurm

# The workflow with --sdm conda, in environments from a local channel; needs 4 GB of disk.
test-environments: .venv/ready
	python -m pytest tests/environments

# Two virtual nodes on loopback. OMP_NUM_THREADS: they have more CPUs than this machine.
test-slurm: .venv/ready
	tests/slurm/cluster.sh install
	OMP_NUM_THREADS=1 python -m pytest --durations 0 tests/slurm

lint: .venv/ready
	ruff check .
	ruff format --check .
	snakefmt --check Snakefile workflow
	pyright
	snakemake --lint --configfile config/demo/config.yaml

format: .venv/ready
	ruff check --fix .
	ruff format .
	snakefmt Snakefile workflow

# config/schema.json and config/README.md, from the code
docs: .venv/ready
	PYTHONPATH=workflow/src python -m groundtrace.running.reference

# The exact versions of everything that is imported. `make lock` takes what is newest.
lock:
	uv pip compile --universal --python-version 3.11 --no-header --no-annotate --generate-hashes --extra dev pyproject.toml -o requirements.lock

.venv/ready: requirements.lock
	@case '$(CURDIR)' in *' '*) echo "error: the path '$(CURDIR)' has a space, and Snakemake cannot start Python from such a folder; move or clone the repository to a path without spaces (data and results may have some)"; exit 1;; esac
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo 'error: $(PYTHON) with venv is needed; on Debian: apt-get install python3.11 python3.11-venv (or name another 3.11: make PYTHON=...)'; exit 1; }
	$(PYTHON) -m venv .venv
	pip install --quiet --disable-pip-version-check uv==$(UV)
	@# Compiled once here: every job of a cluster starts Snakemake, and a shared installation is often read-only.
	uv pip sync --quiet --compile-bytecode --python $(BIN)/python requirements.lock
	@# A green installation proves nothing: Suite2p must import, and with it torchvision.
	HOME=$$(mktemp -d) python -c 'import suite2p, torchvision, rastermap, oasis.functions'
	@touch $@

# The reports are tested in a real browser: without one those tests are skipped and say so.
browser:
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; } || echo 'no chromium: browser tests will be skipped (apt-get install chromium)'

clean:
	rm -rf demo results .snakemake .venv
