# SPDX-License-Identifier: GPL-2.0
# Driver for out-of-tree builds and tests. A kernel tree that carries net/tquic does not need it.

SHELL	:= /bin/bash
TOP	:= $(abspath $(dir $(lastword $(MAKEFILE_LIST))))
BIN	:= $(TOP)/build/venv/bin
TQUIC	:= $(BIN)/tquic
TALLY	:= $(BIN)/python $(TOP)/scripts/tally.py

MAKEFLAGS += --no-print-directory

.DEFAULT_GOAL := help
.PHONY: help setup gen module user corpus python kunit integration lint test demo bench soak interop fuzz \
	mutants tour trace-cost netlink-fuzz many faults clean

help:
	@echo 'TQUIC: QUIC transport with native multipath for Linux'
	@echo
	@echo '  make setup        packages, Python tools, test kernels (Debian 12 or 13, as root)'
	@echo '  make gen          what is made from specs: socket ABI, counters, sysctls, netlink, docs, man page'
	@echo '  make module       tquic.ko for the stock and the debug kernel, warnings are errors'
	@echo '  make test         all of the following, then the counts'
	@echo '  make lint           ruff, mypy, shellcheck, layers, checkpatch, sparse'
	@echo '  make user           codecs and state machines in userspace, under ASan and UBSan'
	@echo '  make corpus         what fuzzing found worth keeping, under ASan and UBSan'
	@echo '  make python         tests of the Python package'
	@echo '  make kunit          KUnit suites on the debug kernel: build/kunit/report.json'
	@echo '  make integration    real sockets on the stock kernel, in namespaces in a machine'
	@echo '  make fuzz         fuzz the parsers and connections for a while (FUZZ="SECONDS=60 TARGETS=conn")'
	@echo '  make netlink-fuzz a million netlink messages no program would send, on the debug kernel'
	@echo '  make many         1,000 connections at a time and 10,000 in turn, on the debug kernel'
	@echo '  make faults       allocations of the module fail, one by one and at random, on the debug kernel'
	@echo '  make mutants      small faults in the engine, one at a time: do the user-level tests see them?'
	@echo '  make demo         move a file over two links and cut one of them'
	@echo '  make bench        goodput, stalls and completion times beside kernel MPTCP'
	@echo '  make soak         six virtual hours of cuts, changes and restarts for the module'
	@echo '  make interop      the QUIC interop runner'"'"'s cases with aioquic, ngtcp2 and quic-go'
	@echo '  make tour         the page of screens, Documentation/networking/tquic-tour.rst, from a real run'
	@echo '  make trace-cost   instructions per packet without tracepoints, with them off, and traced'
	@echo '  make clean        remove build/ except its Python tools (kernels stay in the cache)'
	@echo
	@echo 'Kernels are kept in $${XDG_CACHE_HOME:-~/.cache}/tquic.'

setup:
	@scripts/setup.sh

$(TQUIC):
	@echo 'the Python tools are missing: run `make setup`' >&2; exit 1

gen: $(TQUIC)
	@$(TQUIC) codegen
	@scripts/ynl.sh

module: $(TQUIC)
	@status=0; $(TQUIC) vm module --kernel stock && $(TQUIC) vm module --kernel debug || \
		status=$$?; $(TALLY) step module $$status; exit $$status

user: $(TQUIC)
	@mkdir -p build/user; set -o pipefail; \
	$(MAKE) -C tests/user run 2>&1 | tee build/user/log.txt; status=$$?; \
	$(TALLY) lines user build/user/log.txt; exit $$status

corpus: $(TQUIC)
	@status=0; $(MAKE) -s -j2 -C tests/fuzz run PYTHON=$(BIN)/python SECONDS=0 RUNS=0 || status=$$?; \
	$(TALLY) step corpus $$status; exit $$status

python: $(TQUIC)
	@mkdir -p build/python; $(BIN)/pytest -q -p no:cacheprovider tools/tquic-py/tests \
		--junitxml=build/python/junit.xml; status=$$?; \
	$(TALLY) junit python build/python/junit.xml; exit $$status

kunit: $(TQUIC)
	@$(TQUIC) kunit run

integration: $(TQUIC)
	@$(TQUIC) vm test

lint: $(TQUIC)
	@mkdir -p build/lint; set -o pipefail; scripts/lint.sh | tee build/lint/log.txt; \
	status=$$?; $(TALLY) lines lint build/lint/log.txt; exit $$status

# Every runner runs, whatever the others did; the last line sums them.
test: setup
	@$(TALLY) clear
	@status=0; for part in lint module user corpus python kunit integration; do \
		echo "== $$part"; $(MAKE) $$part || { status=1; echo "== $$part failed"; }; \
	done; echo "== results"; $(TALLY) sum || status=1; exit $$status

demo:
	@scripts/setup.sh --no-kernels
	@$(TQUIC) demo

bench:
	@scripts/setup.sh --no-kernels
	@$(TQUIC) bench $(BENCH)

soak:
	@scripts/setup.sh --no-kernels
	@$(TQUIC) soak $(SOAK)

interop:
	@scripts/setup.sh --no-kernels
	@$(TQUIC) interop run --document $(INTEROP)

tour:
	@scripts/setup.sh --no-kernels
	@$(BIN)/python -m tquic.tour

trace-cost:
	@scripts/setup.sh --no-kernels
	@$(BIN)/python -m tquic.trace_cost

fuzz: $(TQUIC)
	@$(MAKE) -C tests/fuzz run PYTHON=$(BIN)/python $(FUZZ)

# The messages are made outside of the machine, which is slow when it is emulated.
MESSAGES ?= 1000000
netlink-fuzz: $(TQUIC)
	@$(BIN)/python tests/integration/netlink_fuzz.py --messages $(MESSAGES) build/netlink-fuzz.bin
	@$(TQUIC) vm test --kernel debug --timeout 7200 -- tests/integration/test_netlink_fuzz.py \
		--fuzz-file $(TOP)/build/netlink-fuzz.bin -q -s

CONNECTIONS ?= 1000
SEQUENTIAL ?= 10000
many: $(TQUIC)
	@$(TQUIC) vm test --kernel debug --timeout 14400 -- tests/integration/test_many.py -q -rP \
		--connections $(CONNECTIONS) --sequential $(SEQUENTIAL)

faults: $(TQUIC)
	@$(TQUIC) vm test --kernel debug --timeout 7200 -- tests/integration/test_faults.py -q -rP --long

mutants: $(TQUIC)
	@$(TQUIC) mutants $(MUTANTS)

clean:
	@find build -mindepth 1 -maxdepth 1 ! -name venv -exec rm -rf {} + 2>/dev/null || true
