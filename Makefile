# Everything runs in .venv, built from requirements.lock; `make` alone lists the targets.
.DEFAULT_GOAL := help
BIN := .venv/bin
ARGS ?=
INSTALLER ?= uv

# What a shell exports for other projects must not reach ours.
unexport PYTHONHOME PYTHONPATH JUPYTER_PATH
export JUPYTER_PREFER_ENV_PATH := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

define ENVIRONMENT
set -eu
clean_log() { sed -e '/^WARNING: Location/d' -e 's#[a-z+]*://[^] )>,"`]*#(address)#g'; }
quietly() { log=$$("$$@" 2>&1) || { printf '%s\n' "$$log" | clean_log >&2; return 1; }; }
recent() { "$$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

if ! recent $(BIN)/python || { test -e .venv/.ready && test "$$(cat .venv/.ready)" != "$(CURDIR)"; }; then
    python=
    for candidate in $(if $(PYTHON),"$(PYTHON)",python3 python3.14 python3.13 python3.12 python3.11); do
        if recent "$$candidate"; then python=$$candidate; break; fi
    done
    if test -z "$$python"; then
        echo 'Python 3.11 or newer was not found; install one, or name it: make PYTHON=/path/to/python3.12' >&2
        exit 1
    fi
    echo ".venv: made with $$python ($$("$$python" -c 'import platform; print(platform.python_version())'))"
    quietly "$$python" -m venv --without-pip --clear .venv
fi
rm -f .venv/.ready

with_pip() {
    $(BIN)/python -m pip --version >/dev/null 2>&1 && return
    $(BIN)/python -m ensurepip --default-pip >/dev/null 2>&1 && return
    echo 'This Python comes without ensurepip, so pip cannot be put into .venv.' >&2
    echo 'Install it (Debian, Ubuntu: apt-get install python3-venv) or install uv, then run make again.' >&2
    exit 1
}
# The lock's own pin where it has one, so that the installer is held by a hash as well.
pip_uv() {
    sed -n '/^uv==/,/[^\\]$$/p' requirements.lock >.venv/uv.txt
    test -s .venv/uv.txt || echo uv >.venv/uv.txt
    $(BIN)/python -m pip install --quiet --requirement .venv/uv.txt
}
uv_all() {
    "$$uv" pip install --quiet --python $(BIN)/python --compile-bytecode --no-deps --require-hashes -r requirements.lock &&
        "$$uv" pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --reinstall -e .
}
pip_all() {
    $(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements.lock &&
        $(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
}

uv=
if test "$(INSTALLER)" = uv; then
    uv=$$(command -v uv || command -v $(BIN)/uv || true)
    if test -z "$$uv"; then
        with_pip
        if pip_uv >/dev/null 2>&1; then uv=$(BIN)/uv; fi
    fi
fi
if test -n "$$uv"; then
    echo '.venv: installing the locked packages with uv (seconds; the first time up to a minute)'
    quietly uv_all || { echo '.venv: uv could not (above); trying pip'; uv=; }
fi
if test -z "$$uv"; then
    with_pip
    echo '.venv: installing the locked packages with pip (a minute or two)'
    quietly pip_all
fi
printf '%s\n' "$(CURDIR)" >.venv/.ready
endef

# A moved or copied .venv keeps the old path in its scripts; the stamp tells where it was made.
ifneq ($(shell test -x $(BIN)/python && cat .venv/.ready 2>/dev/null),$(CURDIR))
.PHONY: .venv/.ready
endif
.venv/.ready: export ENVIRONMENT := $(ENVIRONMENT)
.venv/.ready: requirements.lock pyproject.toml
	@sh -c "$$ENVIRONMENT"

# As many tests at a time as there are cores; those of one file stay together, for they share what they made.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --maxprocesses 8 --dist loadfile
# Loading nbval takes seconds that only notebooks need.
PLAIN := -p no:nbval
NBVAL = $(PYTEST) --nbval-lax --nbval-current-env --nbval-cell-timeout=120 -o filterwarnings=default notebooks/*.ipynb

.PHONY: help report test test-all lab lint lock notebooks calibration size clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' Makefile
	@echo
	@echo 'PYTHON=python3.12 makes a new .venv with it, INSTALLER=pip does without uv, ARGS="..." is handed on (report, lab, lock).'

report: .venv/.ready ## make the month's reports in reports/
	@$(BIN)/prodops report $(ARGS)

test: .venv/.ready ## run the tests that need nothing but .venv, then the notebooks
	@$(PYTEST) $(PLAIN) -m 'not browser and not postgres and not realdata'
	@$(NBVAL)

test-all: .venv/.ready ## run every test; needs Chromium and PRODOPS_REAL_DATA
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
	    { echo 'test-all: Chromium was not found; install it, or run make test' >&2; exit 1; }
	@test -d "$$PRODOPS_REAL_DATA" || \
	    { echo 'test-all: PRODOPS_REAL_DATA names no folder; set it, or run make test' >&2; exit 1; }
	@$(PYTEST) $(PLAIN)
	@$(NBVAL)

lab: .venv/.ready ## open JupyterLab on notebooks/
	@$(BIN)/jupyter-lab notebooks $(ARGS)

lint: .venv/.ready ## check style, format and types
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

lock: .venv/.ready ## recompile requirements.lock (ARGS=--upgrade for newer versions)
	@uv=$$(command -v uv || command -v $(BIN)/uv) || { echo 'lock: uv was not found; pip install uv' >&2; exit 1; }; \
	"$$uv" pip compile --quiet pyproject.toml --universal --all-extras --generate-hashes --no-emit-index-url \
	    --no-emit-find-links --no-annotate --python-version 3.11 -o requirements.lock $(ARGS)

notebooks: .venv/.ready ## run the notebooks on the sample and store their one line for nbval
	@$(BIN)/python tests/refresh_notebooks.py

calibration: .venv/.ready ## measure how often verdicts are wrong (ARGS="--worlds 60"; the full run takes two hours)
	@OMP_NUM_THREADS=1 $(BIN)/python benchmarks/calibration.py $(ARGS)

size: .venv/.ready ## count the lines of code, room by room
	@$(BIN)/python benchmarks/size.py

clean: ## remove .venv, caches and build leftovers; data and reports stay
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist *.egg-info
	@find . -name __pycache__ -prune -exec rm -rf {} + -o -name .ipynb_checkpoints -prune -exec rm -rf {} +
