# Everything a fresh machine needs is Python (3.11 or newer) and make; the rest is installed into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
LOCK := requirements.lock
LOCKED := $(BIN)/uv pip compile --quiet --system-certs --universal --python-version 3.11 --extra dev --generate-hashes \
	--no-emit-index-url --no-annotate --no-header pyproject.toml

.PHONY: run test quick check format lint types imports locked lock texts docs migration bench clean

run: $(READY) ## start the whole engine on SQLite in ./data
	@exec $(BIN)/ccb serve

test: $(READY) ## all tests
	$(BIN)/pytest -n 3 --dist worksteal

quick: $(READY) ## the tests that take no whole processes
	$(BIN)/pytest -m "not slow" -n 2 --dist worksteal --hypothesis-profile=quick

check: $(READY) lint types imports locked test ## the gate

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

imports: $(READY)
	$(BIN)/lint-imports

locked: $(READY) ## the lock says what pyproject.toml asks for
	@cp $(LOCK) $(VENV)/lock.now && $(LOCKED) --output-file $(VENV)/lock.now \
		|| { echo "uv could not resolve pyproject.toml: see above" >&2; exit 1; }
	@cmp $(LOCK) $(VENV)/lock.now \
		|| { echo "$(LOCK) is out of step with pyproject.toml: run 'make lock'" >&2; exit 1; }

lock: $(READY) ## write the lock anew from pyproject.toml
	$(LOCKED) --output-file $(LOCK)

texts: $(READY) ## bring the catalogues of translations up to date
	$(BIN)/python -m core.cli.catalogue

docs: $(READY) ## write the tables in README and docs anew from the code
	$(BIN)/python -m tests.doc_tables

migration: $(READY) ## write the next migration: make migration name="what it does"
	$(BIN)/python -m storage.migrations.new "$(name)"
	$(BIN)/ruff format --quiet storage/migrations/versions

bench: $(READY) ## measure, side by side
	$(BIN)/python -m bench

$(READY): $(LOCK) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; $(PYTHON) is older. Try: make PYTHON=python3.12 run" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
		|| { echo "Python's venv module is missing. On Debian: apt-get install python3-venv" >&2; exit 1; }
	@echo "Installing into $(VENV) (once; about a minute) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $(LOCK)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)

clean:
	rm -rf $(VENV) build *.egg-info
