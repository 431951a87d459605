# Two commands on a new machine: `make demo` and `make test`. Both set up what they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SUDO := $(shell [ "$$(id -u)" = 0 ] || command -v sudo)
# What the tests use beside Python: Octave (its pictures, the font it measures letters by), a browser (a font), images,
# a broker, a ROS 1, shells that complete;
# Node.js for the page's scripts, unless one from elsewhere is there, which Debian's npm would not go with.
SYSTEM := octave gnuplot-nox fonts-freefont-otf chromium fonts-liberation dataset-fashion-mnist python3-zeroc-ice mosquitto \
	xvfb zsh fish iproute2 libdbus-1-3 libegl1 libfontconfig1 libgl1 libglib2.0-0 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0 \
	libxkbcommon-x11-0 nginx-light strace gcc libc6-dev \
	python3-rospy python3-roslaunch python3-sensor-msgs python3-std-msgs $(shell command -v npm >/dev/null 2>&1 || echo nodejs npm)
QUICK_PACKAGES := evaluation network scheduling archives
comma := ,
space := $() $()
# All but `ice`, which is built from source (see below).
EXTRAS := train export heif pdf ray sheets tune desktop mqtt mlflow ros web
DEBIAN_PYTHON := /usr/lib/python3/dist-packages
MINUTES ?= 10
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Where it is set, each of the tests' many processes would compile the whole package anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test docs check check-types check-style check-page test-page backends coverage coverage-quick coverage-figure endurance setup system ice lock fonts models clean help

help:
	@echo "make demo    train, measure, export, read a video: the whole program in a few minutes"
	@echo "make test    every check and test"
	@echo "make setup   the environment for development, in $(VENV), and, where we may, the system packages of the tests"
	@echo "make check   style, types and the rules of the house"
	@echo "make coverage  which share of the Python lines the whole test suite runs; coverage-quick: its quick packages, in a minute"
	@echo "make endurance  break things on purpose for some two hours: kills, full disks, hostile files; MINUTES=1 for less"
	@echo "make docs    the documentation's site, in build/site/html; a warning is an error"
	@echo "make models  train the shipped networks again (some four hours on two cores; goes on where it was killed)"
	@echo "make fonts   fetch the fonts that training pages are lettered with (needs npm)"
	@echo "make lock    renew the pinned versions"

demo: $(VENV)/.run
	$(BIN)/digitlab demo --out demo

# The checks and the tests on JAX take one core each: side by side, those that take longest first.
test: ice $(VENV)/.dev
	$(MAKE) -j2 backends check-types check test-page
	$(BIN)/python -m pytest -n 2 --dist loadgroup --no-loadscope-reorder --durations=20 --durations-min=3

docs: $(VENV)/.dev
	$(BIN)/python tools/build_site.py

backends: $(VENV)/.dev
	KERAS_BACKEND=jax $(BIN)/python -m pytest -m backends --no-header -q $$(grep -rlw backends tests --include='test_*.py')

# The page's scripts have their figure from `make test-page`. With tracing the suite takes half as long again.
coverage: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 --dist loadgroup --no-loadscope-reorder -q --no-header --cov --cov-report=
	@$(MAKE) --no-print-directory coverage-figure

# Packages whose tests are quick, and how much of those packages their own tests run.
coverage-quick: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 -q --no-header --cov --cov-report= $(addprefix tests/,$(QUICK_PACKAGES))
	@$(MAKE) --no-print-directory coverage-figure PACKAGES="$(QUICK_PACKAGES)"

coverage-figure:
	@$(BIN)/coverage report --format=total $(if $(PACKAGES),--include="$(subst $(space),$(comma),$(patsubst %,*/digitlab/%/*,$(PACKAGES)))") | \
		sed 's|.*|coverage of the Python lines$(if $(PACKAGES), ($(PACKAGES))): & %|'

# Each script of bench/endurance begins nothing new after MINUTES; results in studies-results/endurance. docs/endurance.md
endurance: $(VENV)/.dev
	$(BIN)/python bench/endurance/run.py --minutes $(MINUTES)

check: check-types check-style check-page

check-types: $(VENV)/.dev
	$(BIN)/mypy

check-style: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/python tools/check_circles.py
	$(BIN)/python tools/notebooks.py --check

# The page's scripts: style and types; what they compute. The page itself is served as it is, and needs none of this.
check-page: node_modules/.installed
	@[ ! -e $< ] || npm run --silent check

test-page: node_modules/.installed
	@[ ! -e $< ] || npm test --silent

node_modules/.installed: package.json package-lock.json | system
	@if ! command -v npm >/dev/null; then echo "npm is not installed: the page's scripts are not checked"; [ -z "$$CI" ]; \
	elif npm ci --silent; then touch $@; \
	else echo "npm could not fetch its packages: THE PAGE'S SCRIPTS ARE NOT CHECKED; is the network reachable?"; fi

setup: ice $(VENV)/.dev node_modules/.installed

# ZeroC Ice takes minutes to build. Debian's is a binary for Debian's Python: where .venv's is of the same kind, it is lent.
ice: system | $(VENV)/bin/pip
	@suffix=$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_config_var("EXT_SUFFIX"))'); \
	site=$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))'); \
	if [ -e "$(DEBIAN_PYTHON)/IcePy$$suffix" ] && ! $(BIN)/python -c 'import Ice' 2>/dev/null; then \
		ln -sfn $(DEBIAN_PYTHON)/Ice "$$site/Ice" && ln -sf "$(DEBIAN_PYTHON)/IcePy$$suffix" "$$site/"; \
	fi

# Never an error: a test whose program is missing is skipped and says so, but fails in CI.
system:
	@missing=$$(for name in $(SYSTEM); do dpkg-query -W -f '$${db:Status-Abbrev}' $$name 2>&1 | grep -q '^ii' || echo $$name; done); \
	missing=$$(echo $$missing); \
	install="env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing"; \
	if [ -z "$$missing" ]; then :; \
	elif ! command -v apt-get >/dev/null; then echo "no Debian: tests of programs that are missing here are skipped"; \
	elif [ "$$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; then \
		echo "not root: tests that need $$missing are skipped; else: sudo apt-get install --no-install-recommends $$missing"; \
	else \
		echo "installing $$missing …"; \
		$(SUDO) $$install >/dev/null 2>&1 || { $(SUDO) apt-get update -qq && $(SUDO) $$install >/dev/null; } || \
			echo "cannot install $$missing: their tests are skipped, or fail in CI"; \
	fi

# The classifier of 28×28 images, about half an hour; then the page reader, some three hours. Both go on when killed.
models: $(VENV)/.run fonts
	$(BIN)/digitlab train reader --runs build/models --json | tee build/reader.json
	run=$$($(BIN)/python -c 'import json; print(json.load(open("build/reader.json"))["run"])') && \
		$(BIN)/digitlab export "$$run" src/digitlab/reading/shipped/reader.onnx --int8 && \
		$(BIN)/digitlab export "$$run" src/digitlab/reading/shipped/reader.keras
	$(BIN)/python tools/train_page_reader.py --report build/page-reader.json
	$(BIN)/python tools/reading_thresholds.py

# Into the cache folder (DIGITLAB_CACHE), pinned in src/digitlab/datasets/pages/fonts.toml.
fonts: $(VENV)/.run
	$(BIN)/python tools/fetch_fonts.py

# What running needs: the package, training, and nothing for development.
$(VENV)/.run: requirements.lock pyproject.toml | $(VENV)/bin/pip
	$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(VENV)/bin/pip
	$(BIN)/pip install --quiet --require-hashes -r requirements-dev.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	touch $@ $(VENV)/.run

# Debian parts `venv` from Python; where it is missing and we may, we install it.
$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version). Name another: make PYTHON=python3.12 …"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { $(SUDO) apt-get update -q && $(SUDO) apt-get install -y -q python3-venv; }
	$(PYTHON) -m venv $(VENV)

# Lock files name packages, versions and hashes; where from is the installing machine's affair.
lock: $(VENV)/bin/pip
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --upgrade --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
		--extra train --group build --group fonts pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --upgrade --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
		$(addprefix --extra ,$(EXTRAS)) --group build --group fonts --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock

clean:
	rm -rf $(VENV) node_modules build demo runs .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
