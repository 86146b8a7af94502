# Everything works on a bare Debian with python3 (3.11 or newer, with its venv module) and make.
PYTHON ?= python3
BIN := .venv/bin
# A base environment is enough for the demo; tests want more.
BASE := .venv/.base
TEST := .venv/.test
PEERS := .venv/.bench

.PHONY: demo test check bench fuzz torture nightly mutation wheelhouse test-system format clean

demo: $(BASE)
	$(BIN)/apherelog demo

test: $(TEST)
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not torture and not fuzz"

check: $(TEST)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not torture and not fuzz"

bench: $(PEERS)
	$(BIN)/python -m tests.benchmarks

# Small errors made on purpose in the code of doses, sessions and links: do the tests notice? About an hour.
mutation: $(TEST)
	$(BIN)/python -m tests.mutation

torture: $(TEST)
	$(BIN)/python -m pytest -m torture

# What a night should see: every kill, cut and storm, on a file system that forgets too, and hours of made-up bytes.
nightly: torture fuzz

fuzz: $(TEST)
	APHERELOG_FUZZ_SECONDS=$${SECONDS_EACH:-60} $(BIN)/python -m pytest tests/drivers -m fuzz

format: $(TEST)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Everything for a machine without internet, in one folder; see docs/operation/guide.md.
wheelhouse:
	sh docs/operation/files/wheelhouse.sh build $${OUT:-dist/wheelhouse}

# What the browser, PostgreSQL and system-call tests want; without it they are skipped with a line that says so.
test-system:
	apt-get update
	DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium postgresql strace systemd faketime util-linux e2fsprogs fonts-dejavu-core

$(BASE): requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

$(TEST): requirements-test.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-test.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@ $(BASE)

$(PEERS): requirements-bench.lock $(TEST)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.lock
	touch $@

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
