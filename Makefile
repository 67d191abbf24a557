# Every task of the project by name; `make` alone lists them.
# VENV=DIR puts the virtual environment elsewhere, PYTHON=… names the interpreter.

VENV ?= .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest
INSTALL_INPUTS := pyproject.toml constraints.txt scripts/install.sh
export VENV

.DEFAULT_GOAL := help
.PHONY: help install system demo screenshots test check format bench docs drills constraints clean \
	test-accuracy test-browser test-postgres test-slow

help: ## list the tasks
	@grep -hE '^[a-z-]+( [a-z-]+)*:.*## ' $(MAKEFILE_LIST) \
		| awk -F':.*## ' '{ printf "  make %-15s %s\n", $$1, $$2 }'

## ---- run ----------------------------------------------------------------------------------

install: $(VENV)/.installed ## set up .venv with pinned dependencies

$(VENV)/.installed: $(INSTALL_INPUTS)
	@bash scripts/install.sh $(VENV) dev
	@touch $@

system: ## install the system packages of everything below (asks sudo for its password)
	@SYSTEM_SUDO=1 bash scripts/system-packages.sh venv runtime render rtsp browser postgres

demo: install ## play the built-in drill live; EXIT=1 ends by itself
	@$(BIN)/lastseen demo $(if $(EXIT),--exit) $(if $(PORT),--port $(PORT))

screenshots: install ## take the pictures of all pages for the documentation (needs Chromium)
	@$(BIN)/python scripts/screenshots.py

## ---- test ---------------------------------------------------------------------------------

test: install ## the tests (under 15 minutes on 2 cores)
	@$(PYTEST)

check: install ## lint, format, types and the arrows between packages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

format: install ## format the code and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The heavy suites are deselected in pyproject.toml; -m on the command line selects them.
# pytest ends with status 5 where a marker has no tests; that is told, not failed.
define suite
	@code=0; $(PYTEST) -m '$(1)' --collect-only -qq >/dev/null 2>&1 || code=$$?; \
	if [ $$code -eq 5 ]; then echo "$@: there are no tests marked '$(1)'"; \
	else $(PYTEST) -m '$(1)'; fi
endef

test-accuracy: install ## figures on rendered and real footage, defended
	$(call suite,accuracy)

test-browser: install ## the console in a real Chromium
	$(call suite,browser)

test-postgres: install ## the database tests on a real PostgreSQL
	$(call suite,postgres and not slow)

test-slow: $(VENV)/.installed-export ## tests that take minutes
	$(call suite,slow)

bench: install ## measure speed; NAME=… names the benchmark
	@$(BIN)/lastseen bench $(or $(NAME),pipeline)

## ---- build --------------------------------------------------------------------------------

docs: $(VENV)/.installed-docs ## build the documentation into site/
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "Documentation: site/index.html"

$(VENV)/.installed-docs: $(VENV)/.installed
	@bash scripts/install.sh $(VENV) dev docs
	@touch $@

$(VENV)/.installed-export: $(VENV)/.installed
	@bash scripts/install.sh $(VENV) dev +export
	@touch $@

drills: $(VENV)/.installed-render ## render the built-in drills again (about ten minutes)
	@nice $(BIN)/python -m benchmarks.renderer wing
	@nice $(BIN)/python -m benchmarks.renderer quiet

$(VENV)/.installed-render: $(VENV)/.installed
	@bash scripts/system-packages.sh render
	@bash scripts/install.sh $(VENV) dev +render
	@touch $@

constraints: $(VENV)/.installed-docs $(VENV)/.installed-render $(VENV)/.installed-export ## pin what is installed now
	@bash scripts/pin-constraints.sh $(VENV) >constraints.txt.new
	@mv constraints.txt.new constraints.txt
	@touch $(VENV)/.installed $(VENV)/.installed-docs \
		$(VENV)/.installed-render $(VENV)/.installed-export
	@echo "constraints.txt: $$(grep -c == constraints.txt) packages pinned"

clean: ## remove what was built and measured; keeps .venv
	rm -rf build dist site runs out reports constraints.txt.new
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .identity_provider_cache .hypothesis
	find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
