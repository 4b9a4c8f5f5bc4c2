# `bin/setup` does nothing where all is in place, so every target may ask for it.
.DEFAULT_GOAL := help
.PHONY: help run test check bench clean
.NOTPARALLEL:

env := .venv/bin

help: ## List what there is
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14
	@echo "Variables go in front: PORT=9000 HOST=0.0.0.0 make run"

run: ## Start everything on http://127.0.0.1:8000 with a demo city; Ctrl-C stops it
	@bin/setup
# The kernel ends the launcher when make is gone for any reason, and the launcher its parts.
	@exec setpriv --pdeathsig TERM $(env)/python -m infra.embedded

test: ## Run every test
	@bin/setup
	$(env)/pytest -n 2 --dist loadfile --no-loadscope-reorder

check: ## Check style, types, imports and the migrations
	@bin/setup
	$(env)/ruff check
	$(env)/ruff format --check
	$(env)/mypy
	$(env)/lint-imports
	$(env)/pytest -q tests/test_schema.py -k match_the_code

bench: ## Run every benchmark in turn
	@bin/setup bench
	@failed=0; \
	for file in $$(ls bench/*.py | grep -v '/__init__\.py$$'); do \
		name=$${file#bench/}; name=$${name%.py}; \
		echo "== $$name"; $(env)/python -m "bench.$$name" || failed=1; \
	done; \
	exit $$failed

clean: ## Stop what runs from this folder; remove var/ with all data, and the caches
	@python=$(env)/python; [ -x "$$python" ] || python=python3; \
	"$$python" -B -m infra.embedded.cleaning
