# make main-job   the main experiment on two CPU cores, into runs/tiny (a second call continues it)
# make test       the tests
# make lint       format, lint, types, import layers
# Each makes .venv and installs what it needs on its first call.

PYTHON ?= python3
PRESET ?= tiny
OUT ?= runs/$(PRESET)
PIP := .venv/bin/python -m pip --disable-pip-version-check

# PIP_FIND_LINKS names a folder of wheels: there, the CPU build of the release that the results were made with is taken.
# Without it the registry's build is taken, which brings CUDA on Linux (several GB). Who wants another build installs it into
# .venv before: `python3 -m venv .venv && .venv/bin/python -m pip install torch --index-url ...`; it is then kept.
TORCH := $(if $(PIP_FIND_LINKS),torch==2.13.0,torch>=2.13)

.PHONY: main-job test lint constraints

main-job: .venv/installed-all
	OMP_WAIT_POLICY=PASSIVE .venv/bin/python -m experiments.compare_filtering_vs_reflection --preset $(PRESET) --out $(OUT)

test: .venv/installed-test
	OMP_WAIT_POLICY=PASSIVE .venv/bin/python -m pytest --numprocesses auto --dist loadfile

lint: .venv/installed-dev
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed-all: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) install --quiet --constraint constraints.txt "$(TORCH)" --editable ".[all]"
	touch $@

.venv/installed-test: .venv/installed-all
	$(PIP) install --quiet --constraint constraints.txt --editable ".[all,test]"
	touch $@

.venv/installed-dev: .venv/installed-test
	$(PIP) install --quiet --constraint constraints.txt --editable ".[all,test,dev]"
	touch $@

# torch and what it brings are left out: their builds differ by machine.
constraints:
	uv pip compile --universal --python-version 3.11 --no-header --no-annotate --quiet --all-extras \
	  --no-emit-package torch --no-emit-package triton pyproject.toml | grep -v -E '^(nvidia|cuda)-' > constraints.txt
