# Every target sets itself up: .venv holds exactly the packages of requirements/*.lock, checked by hash.
# Extra arguments go through ARGS: make test ARGS="tests/core -x", make lock ARGS=--upgrade

PYTHON ?= python3.13 python3.12 python3.11 python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command "make lock" $(ARGS)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo demo-kafka test lint lock sbom dashboards

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

demo: .venv/service.stamp ## Watch the closed loop, on an embedded Valkey
	@$(BIN)/streamsel demo $(ARGS)

demo-kafka: .venv/broker.stamp ## The same on a real Kafka broker, which it starts itself
	@$(BIN)/streamsel demo --kafka $(ARGS)

test: .venv/dev.stamp ## Run every test whose servers are here; the rest skip with the reason
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest $(ARGS)

dashboards: .venv/dev.stamp ## Write deploy/grafana/dashboards anew from deploy/grafana/source
	$(BIN)/python -m deploy.grafana.source

sbom: .venv/dev.stamp ## Write dist/streamsel.cdx.json, the service's software bill of materials (CycloneDX)
	@mkdir -p dist
	@$(BIN)/cyclonedx-py requirements requirements/service.lock --pyproject pyproject.toml \
		--output-reproducible --output-format JSON --output-file dist/streamsel.cdx.json

lint: .venv/dev.stamp ## Check style, types and layers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

lock: .venv/dev.stamp ## Write all locks anew, those of the load tests' peers too
	@$(COMPILE) --output-file requirements/dev.lock pyproject.toml --all-extras --group build --group lock
	@$(COMPILE) --output-file requirements/broker.lock -c requirements/dev.lock pyproject.toml --extra broker
	@$(COMPILE) --output-file requirements/service.lock -c requirements/dev.lock pyproject.toml
	@$(COMPILE) --output-file requirements/build.lock -c requirements/dev.lock --group build
	@for peer in loadtest/peers/*/requirements.in; do $(COMPILE) --output-file $${peer%in}lock $$peer || exit 1; done

.venv/%.stamp: requirements/%.lock requirements/build.lock pyproject.toml | .venv/bin/python
	@echo "setting up .venv: the packages of requirements/$*.lock …"
	@$(PIP) install --require-hashes --only-binary :all: -r requirements/build.lock -r requirements/$*.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

.venv/bin/python:
	@for python in $(PYTHON); do \
		if $$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "setting up .venv: $$($$python --version) …"; \
			$$python -m venv --clear .venv && exit 0; \
			rm -rf .venv; \
			exit 1; \
		fi; \
	done; \
	echo "streamsel needs Python 3.11 or newer with venv (Debian: python3-venv); tried $(PYTHON)" >&2; \
	exit 1
