# A thin front for meson; `make help` lists the targets.
BUILD ?= build
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60
SOAK_SECONDS ?= 600
NINJA = ninja -C $(BUILD) $(if $(VERBOSE),-v,--quiet)

.DEFAULT_GOAL := help
.PHONY: help run build test bench soak fuzz asan tsan lint fmt install setup-run setup-test setup-lint

help:
	@echo "make run      install what is needed, build, start the demo on loopback"
	@echo "make test     install what tests need, run every test"
	@echo "make build    build/motehub"
	@echo "make bench    cost per exchange beside the echo of the same run"
	@echo "make soak     the long runs in full (SOAK_SECONDS=$(SOAK_SECONDS), SEED=n)"
	@echo "make fuzz     each fuzz target for FUZZ_SECONDS=$(FUZZ_SECONDS)"
	@echo "make asan     unit tests under AddressSanitizer and UndefinedBehaviorSanitizer"
	@echo "make tsan     unit tests of what links no vendor library, and the server, under ThreadSanitizer"
	@echo "make lint     the layer rule, sizes, names, format"
	@echo "make fmt      format the sources"
	@echo "make install  into DESTDIR and PREFIX=$(PREFIX)"

setup-run:
	@tools/setup run

setup-test:
	@tools/setup test

setup-lint:
	@tools/setup lint

$(BUILD)/build.ninja:
	@meson setup $(BUILD) --prefix $(PREFIX) -Dtests=disabled >$(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }
	@rm -f $(BUILD).log

build: setup-run $(BUILD)/build.ninja
	@$(NINJA) src/server/motehub
	@ln -sf src/server/motehub $(BUILD)/motehub

run: build
	@exec $(BUILD)/motehub serve --demo --data data

test: setup-test
	@/usr/bin/python3 tools/test.py

bench: setup-test build
	@grep -q bench_libcoap $(BUILD)/build.ninja || meson setup --reconfigure $(BUILD) >/dev/null
	@$(NINJA) bench/bench_echo bench/bench_load bench/bench_preload bench/bench_libcoap
	@BUILD_DIR=$(CURDIR)/$(BUILD) /usr/bin/python3 bench/run.py

soak: setup-test build
	@SOAK_SECONDS=$(SOAK_SECONDS) /usr/bin/python3 tools/test.py --soak

fuzz: setup-test
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tools/fuzz

asan: setup-test
	@/usr/bin/python3 tools/test.py --unit --build build-asan --meson="-Db_sanitize=address,undefined -Dslow-checks=true"

tsan: setup-test
	@CC=clang /usr/bin/python3 tools/test.py --tsan --build build-tsan --meson="-Db_sanitize=thread"

lint: setup-lint
	@/usr/bin/python3 tools/tidy.py
	@git ls-files '*.c' '*.h' | xargs clang-format --dry-run -Werror

fmt: setup-lint
	@git ls-files '*.c' '*.h' | xargs clang-format -i

install: build
	@$(NINJA)
	@meson install -C $(BUILD) --no-rebuild
