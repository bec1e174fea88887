# SPDX-License-Identifier: MIT
# A thin front for meson. `make help` lists what there is.

BUILD    = build
PREFIX  ?= /usr/local
DESTDIR ?=
STEPS   ?=
SECONDS ?= 60
# Debian's own before whatever shadows it; looked up when used, for they may be installed just then.
MESON    = "$$(command -v /usr/bin/meson || echo meson)"
NINJA    = "$$(command -v /usr/bin/ninja || echo ninja)"
# An empty environment is enough.
export PATH := $(if $(PATH),$(PATH):)/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ifeq ($(origin CC),default)
CC = gcc
endif
export CC

.DEFAULT_GOAL := build
.PHONY: build run check fuzz model bench bench-sinks bench-peers bench-pool scoreboard format install
.PHONY: uninstall clean help packages-build packages-check packages-bench packages-peers packages-bench-pool
.PHONY: packages-format

# A directory whose set-up failed half way has no build.ninja, and is set up anew.
define ninja
@if [ ! -e $(BUILD)/build.ninja ]; then $(MESON) setup $(BUILD); fi
@$(NINJA) -C $(BUILD)
endef

build: packages-build
	$(ninja)

run: build
	@exec $(BUILD)/weir serve

check: packages-check
	@exec tools/check $(STEPS)

bench: packages-bench
	$(ninja)
	@exec bench/run

bench-sinks: packages-check
	$(ninja) all bench/bench-sinks
	@exec bench/run-sinks

bench-peers: packages-peers
	$(ninja)
	@exec bench/run-peers

fuzz: packages-check
	@exec tests/fuzz/run all $(SECONDS)

model: packages-check
	@exec tools/check-model

bench-pool: packages-bench-pool
	$(ninja) all bench/bench-pool-scale
	@exec bench/run-pool

scoreboard: packages-bench-pool
	$(ninja)
	@exec bench/scoreboard

format: packages-format
	@tools/list-sources -0 | xargs -0 clang-format-14 -i

# No packages here: whoever installs may have no apt, and has built before.
install:
	$(ninja)
	@$(MESON) configure $(BUILD) -Dprefix='$(PREFIX)'
	@$(NINJA) -C $(BUILD)
	@tools/installation install $(BUILD) '$(DESTDIR)'
	@if [ -z '$(DESTDIR)' ] && [ "$$(id -u)" = 0 ]; then /sbin/ldconfig; fi

# Needs no build directory: what was installed is written down below the prefix.
uninstall:
	@tools/installation uninstall '$(PREFIX)' '$(DESTDIR)'
	@if [ -z '$(DESTDIR)' ] && [ "$$(id -u)" = 0 ]; then /sbin/ldconfig; fi

clean:
	rm -rf build build-asan build-tsan

packages-build packages-check packages-bench packages-peers packages-bench-pool packages-format:
	@tools/install-packages $(@:packages-%=%)

help:
	@echo 'make              install what the build needs (apt), build into build/'
	@echo 'make run          the same, then start weir on its embedded default (SQLite)'
	@echo 'make check        install what the tests need, build and run every test'
	@echo '                  STEPS="..." runs some of: style unit sim model asan tsan integration'
	@echo 'make fuzz         look for inputs that break a parser, SECONDS=60 for each target'
	@echo 'make model        check the model of the pool in every interleaving (part of check)'
	@echo 'make bench        install what the benchmark needs, run bench/run'
	@echo 'make bench-sinks  rows per second at each backend, against the plainest batch client'
	@echo 'make bench-peers  HTTP to PostgreSQL, against a plain Node and a plain Go service'
	@echo 'make bench-pool   the pool beside the best of other languages (FULL=1: every cell)'
	@echo 'make scoreboard   bugs that were found in some pool, asked of all of them'
	@echo 'make format       clang-format-14 over all C'
	@echo 'make install      install under PREFIX (/usr/local), staged in DESTDIR; never runs apt'
	@echo 'make uninstall    take away what was installed there, and nothing else'
	@echo 'make clean        remove the build directories'
