# make demo: from a fresh clone to a trained comparison. make test: the test suite. make docs: the documentation site, in
# work_dirs/site. All make what they need in .venv.
PYTHON ?= python3
VENV ?= .venv
STAMP := $(VENV)/installed
TESTED := $(VENV)/tests-installed
INSTALL := $(VENV)/bin/python -m pip install -q --no-build-isolation -c requirements/openmmlab.txt

.PHONY: demo test docs clean

demo: $(STAMP)
	$(VENV)/bin/python tools/demo.py

test: $(TESTED)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest -n 2

docs: $(TESTED)
	$(VENV)/bin/python -m sphinx -W --keep-going -n -c docs . work_dirs/site

# The stamp is written last, so an installation that was broken off is done again.
$(STAMP): setup.py $(wildcard requirements/*.txt mmseg_gdn/ops/cpu/*.[ch])
	@$(PYTHON) -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Python 3.11 or newer with its venv module is needed; choose one with: make PYTHON=python3.11'; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(INSTALL) setuptools wheel
	$(INSTALL) -e '.[openmmlab,plots]'
	touch $@

# The browser, the notebook and the site come with many packages, which the demo need not wait for.
$(TESTED): $(STAMP)
	$(INSTALL) -c requirements/docs.txt -e '.[openmmlab,tests]'
	touch $@

clean:
	rm -rf $(VENV) work_dirs/demo data/demo
