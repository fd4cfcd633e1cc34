# Every verb a person needs; `make` alone lists them.

PYTHON ?= python3
VENV ?= .venv
UV_VERSION := 0.13.8
SOURCES := services foundation testbed chaos operations outages loadtests driver drills incidents failwhale
# What `make test-everything` runs the site on.
RUNTIMES := processes docker

bin := $(VENV)/bin
# A virtual environment's own uv, unless the machine has one.
uv := $(or $(shell uv --version >/dev/null 2>&1 && command -v uv),$(bin)/uv)
install := $(uv) pip install --quiet --compile-bytecode --python $(bin)/python
compose := sh docker/compose.sh
# Whom this machine trusts, a company's own authority perhaps, is who uv and pip trust. uv's variable has had two names.
# A pip before 24.2 has only a list of its own, so it is shown what Python finds, unless somebody has told pip already.
export UV_SYSTEM_CERTS ?= true
export UV_NATIVE_TLS ?= $(UV_SYSTEM_CERTS)
trust := trusted=$$($(bin)/python -c 'import ssl; it = ssl.get_default_verify_paths(); print(it.cafile or it.capath or "")'); \
	[ -z "$$trusted" ] || $(bin)/python -m pip config list | grep 'cert=' >/dev/null || export PIP_CERT="$$trusted"
lock := --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header

.PHONY: help
help: ## list what can be done
	@echo "failwhale: a social network you can break"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "A new machine needs demo and test, or with Docker docker-up. After 'make install', $(bin)/failwhale --help says more."

.PHONY: demo
demo: install ## the whole loop in two minutes: start, use, break, heal, report
	@$(bin)/failwhale demo

.PHONY: test
test: $(if $(TESTS),install-dev,checks) ## lint, types, rules, unit tests, and the real site end to end; of Docker a short part
ifdef TESTS
	@$(call tests,$(TESTS))
else
	@$(MAKE) --no-print-directory units
	@$(call tests,tests/e2e -m "(not docker and not long) or smoke" --durations 12)
endif

# One after the other: two sites at once are too much for two cores while the one on Docker starts.
.PHONY: test-everything
test-everything: checks units long-units ## the same and all of Docker: what CI runs
	@for runtime in $(RUNTIMES); do $(MAKE) --no-print-directory test-on-$$runtime || exit; done

.PHONY: checks units long-units test-on-processes test-on-docker
checks: install-dev
	@$(bin)/ruff check .
	@$(bin)/ruff format --check .
	@$(bin)/mypy
	@$(bin)/lint-imports --no-cache --no-logo

# They mostly wait: six at a time take three quarters of what four take on two cores.
units: install-dev
	@$(call tests,--ignore tests/e2e -m "not long" --numprocesses 6)

long-units: install-dev
	@$(call tests,--ignore tests/e2e -m long --numprocesses 6)

test-on-processes: install-dev
	@$(call tests,tests/e2e -m "not docker" --durations 12)

test-on-docker: install-dev
	@$(call tests,tests/e2e -m docker --durations 12)

# A busy machine leaves a test now and then less time than it gives a part. What failed runs once more, with no other
# beside it: what fails alone fails. Both runs are printed, so one that passes the second time is seen as well.
tests = $(bin)/pytest $(1) || { echo "== once more what failed, with nothing beside it"; \
	$(bin)/pytest $(1) --last-failed --last-failed-no-failures none --maxfail 5 $(if $(findstring numprocesses,$(1)),--numprocesses 0); }

.PHONY: mutants
mutants: install-dev ## do the tests notice a fault in what judges or undoes? (of one: MODULE=chaos/execution.py)
	@$(bin)/python tests/mutants.py $(MODULE)

.PHONY: install
install: $(VENV)/installed ## what `make demo` installs: a virtual environment here, Prometheus if it can be had

.PHONY: install-dev
install-dev: $(VENV)/installed-dev ## the same and what the tests need

.PHONY: up
up: install ## start the site (failwhale up)
	@$(bin)/failwhale up

.PHONY: down
down: install ## stop the site (failwhale down)
	@$(bin)/failwhale down

.PHONY: bench
bench: install ## measure: reads beside a bare route, start time, memory, CPU at rest
	@$(bin)/python -m bench

# From here on Docker only: neither Python nor a virtual environment is needed.

.PHONY: docker-up
docker-up: ## start the site on Docker, with Prometheus and Grafana (ports and more: see .env.example)
	@$(compose) up -d --wait

.PHONY: docker-up-load
docker-up-load: ## the same and Locust's page
	@$(compose) --profile load up -d --wait

.PHONY: docker-up-bare
docker-up-bare: ## the same without Grafana
	@$(compose) -f docker-compose.yml -f docker/without-grafana.yml up -d --wait

.PHONY: docker-cli
docker-cli: ## the command line of the site on Docker: make docker-cli ARGS="chaos list"
	@$(compose) exec chaos failwhale $(ARGS)

.PHONY: docker-down
docker-down: ## stop the site on Docker; its data stays
	@$(compose) --profile load down

.PHONY: docker-purge
docker-purge: ## stop the site on Docker; no container, network or volume stays
	@$(compose) --profile load down -v

.PHONY: images
images: ## build the site's image anew
	@$(compose) build

.PHONY: images-offline
images-offline: ## stand-ins for the base images from Debian's packages, where no registry is reached
	@sh docker/stand-ins.sh

.PHONY: dashboards
dashboards: install-dev ## write Grafana's dashboards anew from their Python
	@$(bin)/python -m dashboards.grafana

.PHONY: format
format: install-dev ## format the code and mend what the linter can
	@$(bin)/ruff check --fix .
	@$(bin)/ruff format .

.PHONY: lock
lock: ## pin the newest versions that fit pyproject.toml
	@$(uv) pip compile $(lock) pyproject.toml -o requirements.lock
	@$(uv) pip compile $(lock) --constraint requirements.lock --group dev pyproject.toml -o requirements-dev.lock

.PHONY: clean
clean: ## remove what make made: the virtual environment and caches (not a site's state)
	@rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .mutants *.egg-info

$(VENV)/python:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: install Python 3.11 or newer, or say make PYTHON=..."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$$($(PYTHON) --version) is too old: failwhale needs 3.11 or newer. Say make PYTHON=python3.12"; exit 1; }
	@echo "Making a virtual environment in $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { echo "no venv module: install the package python3-venv"; exit 1; }
	@uv --version >/dev/null 2>&1 || { $(trust); $(bin)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); }
	@touch $@

# The project itself is linked, not copied, so the checkout is what runs. Bytecode is compiled now, because a start
# without it takes three times as long.
$(VENV)/installed: $(VENV)/python requirements.lock pyproject.toml
	@echo "Installing the site and its tools"
	@$(install) --require-hashes --requirement requirements.lock
	@$(install) --no-deps --editable .
	@PYTHONDONTWRITEBYTECODE= $(bin)/python -m compileall -q $(SOURCES)
	@sh dashboards/fetch.sh
	@echo "Installed: $(bin)/failwhale"
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.lock
	@echo "Installing what the tests need"
	@$(install) --require-hashes --requirement requirements-dev.lock
	@touch $@
