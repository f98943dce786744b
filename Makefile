# Words for people who build and try this. Each one sets up what it needs by itself.
SHELL := /bin/bash
.DEFAULT_GOAL := help

MAIN := .venv/bin/python
SECOND := .venv-3.13/bin/python

# What must hold on every Python that the machine has, quickest first; then what needs the hub, a browser or a service.
FLOORS := $(wildcard tests/core tests/drivers tests/station)
# The longest come first: a worker that ends with a long file leaves the other one idle.
HOUSES := $(wildcard tests/e2e tests/web tests/crash tests/provisioning tests/hub)

DESTDIR :=

.PHONY: help setup demo test wall lint drive bench crash soak hardware install centre

help: ## Show these words
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install all that running, testing and changing this needs; quiet when nothing is missing
	@provisioning/setup.sh dev

demo: ## Run hub, broker and one simulated station here; ONCE=1 plays a crowd and checks it, FLEET=200 adds a fleet
	@provisioning/setup.sh demo
	@.venv/bin/station demo $(if $(filter-out 0,$(ONCE)),--once) $(if $(filter-out 0,$(FLEET)),--fleet $(FLEET))

test: ## Run every test; the core, the drivers and the station also on Python 3.13 when the machine has it
	@provisioning/setup.sh dev
	$(MAIN) -m pytest -q -n 2 $(wildcard tests/test_*.py) $(FLOORS)
	@if [ -x $(SECOND) ]; then set -x; $(SECOND) -m pytest -q -n 2 -p no:cacheprovider $(FLOORS); fi
	$(MAIN) -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder $(HOUSES)

wall: ## Look at the wall over a large invented fleet in a real browser; STATIONS=N, 2000 by itself
	@provisioning/setup.sh dev
	STATIONS=$(or $(STATIONS),2000) $(MAIN) -m pytest -q -s -p no:xdist -k "many_stations and $(or $(STATIONS),2000)" tests/e2e/test_fleet_wall.py

lint: ## Check style, layout and types
	@provisioning/setup.sh dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

drive: ## Hold the hub's description against a real hub, as every role; EXAMPLES=N draws N cases a door, 1000 by itself
	@provisioning/setup.sh dev
	EXAMPLES=$(or $(EXAMPLES),1000) $(MAIN) -m pytest -q --timeout 7200 tests/hub/test_hub_described.py

bench: ## Measure every speed claim beside its peer, into build/bench.json
	@provisioning/setup.sh dev
	$(MAIN) -m bench

crash: ## Kill station, hub, broker and database, and spoil the network, for an hour (docs/faults.md); RUNS=N kills of a station
	@provisioning/setup.sh dev
	RUNS=$(or $(RUNS),1000) STATIONS=$(or $(STATIONS),50) KILLS=$(or $(KILLS),60) ROWS=$(or $(ROWS),30) \
	  $(MAIN) -m pytest -q --durations=0 $(filter-out %week.py,$(wildcard tests/crash/test_*.py))

soak: ## A week without the hub: ROWS=N rows (a million by itself) are kept, drained and proven; figures in build/soak.json
	@provisioning/setup.sh dev
	ROWS=$(or $(ROWS),1000000) $(MAIN) -m pytest -q -s tests/crash/test_offline_week.py

hardware: ## Try the drivers on real kernel devices and the real picamera2, in a simulated machine (docs/hardware.md)
	@tests/hardware/run.sh $(TESTS)

install: ## On the board, as root: put the service's units in place (README, chapter on installing)
	@DESTDIR=$(DESTDIR) provisioning/install.sh

centre: ## At the centre, as root: put the hub's unit in place (README, chapter on the hub)
	@DESTDIR=$(DESTDIR) provisioning/install-hub.sh
