# `make run` and `make test` are all that one needs; `make` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help run test test-aarch64 lint soak bench fuzz setup setup-tests vm vm-debian livekit opentalk build data install install-files deb cross deb-arm64

PREFIX ?= /usr
# The same folder that cargo uses, for whoever has moved it.
TARGET := $(or $(CARGO_TARGET_DIR),target)
NATIVE := $(TARGET)/release
BUILT := $(NATIVE)
PROGRAMS := subrosa subrosa-guard subrosa-media
PACKAGES := -p subrosa-room -p subrosa-guard -p subrosa-media -p subrosa-sim

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

run: build data ## the simulated room: builds what is missing and starts it
	exec $(BUILT)/subrosa run --board sim $(ARGUMENTS)

# The programs with the features that the tests bring: one build of each dependency serves both.
test: PACKAGES := --workspace --all-targets
test: vm vm-debian livekit opentalk build data ## all tests (those with users and network namespaces of their own need root)
	node --test src/room/src/web/tests/page/
	cargo test --release --locked --workspace $(ARGUMENTS)

test-aarch64: setup-tests data ## the segmenter's and the guard's tests on an emulated aarch64, with programs built for it
	setup/test-aarch64.sh
	setup/test-aarch64.sh guard

fuzz: setup-tests ## hostile input for everything that a foreign server says, SECONDS (60) for each target
	setup/fuzz.sh "$(or $(BOUND),-max_total_time=$(or $(SECONDS),60))"

lint: setup-tests ## format, clippy, licences and sources of dependencies, types of the pages
	setup/lint.sh

bench soak: PACKAGES += -p subrosa-tests
bench: setup-tests build data ## cost and speed of a call (WHAT=meeting: of several guests), against a reference measured in the same run
	@[[ "$(WHAT)" != meeting && "$(WHAT)" != join ]] || setup/livekit.sh >/dev/null || true # it goes on without, and says so
	$(BUILT)/subrosa bench $(or $(WHAT),call) $(ARGUMENTS)

soak: setup-tests build data ## half an hour of presses, joins and kills
	$(BUILT)/subrosa-bench soak --minutes 30 $(ARGUMENTS)

setup: ## Debian packages, compiler, users; does nothing when all are there
	@setup/packages.sh setup/packages
	@setup/compiler.sh
	@setup/users.sh

setup-tests: setup ## what the tests need besides
	@setup/packages.sh setup/packages-tests

vm: setup-tests ## the kernel of the tests' virtual machine, built once for a machine
	@tests/vm/kernel.sh >/dev/null

vm-debian: setup-tests ## Debian's own kernel for an emulated machine, unpacked once for a machine
	@tests/vm/debian.sh >/dev/null

livekit: setup-tests ## LiveKit's own server and client, built and fetched once for a machine
	@setup/livekit.sh >/dev/null

opentalk: setup-tests ## OpenTalk's room server, which the tests talk to, built once for a machine
	@setup/opentalk.sh >/dev/null

build: setup ## the programs, in release mode
	cargo build --release --locked $(PACKAGES)

data: build ## what the simulated camera sees and the microphone hears; the segmentation model
	@setup/data.sh $(BUILT)/subrosa-media

deb: build ## a Debian package for this machine's release, in target/deb
	@mkdir -p data && setup/model.sh data
	@rm -rf $(TARGET)/deb/root && $(MAKE) install-files DESTDIR=$(TARGET)/deb/root
	@setup/deb.sh $(TARGET)/deb/root $(TARGET)/deb

cross: setup-tests ## the programs for aarch64, such as a Raspberry Pi
	setup/cross.sh $(PACKAGES)

deb-arm64: deb cross ## a Debian package for aarch64, of this machine's release
	@rm -rf $(TARGET)/deb/root && $(MAKE) install-files DESTDIR=$(TARGET)/deb/root BUILT=$(TARGET)/aarch64-unknown-linux-gnu/release
	@ARCHITECTURE=arm64 LINKED_LIKE=$(NATIVE) setup/deb.sh $(TARGET)/deb/root $(TARGET)/deb

install: build ## programs, boards, units and the segmentation model below $(DESTDIR)$(PREFIX); without the simulated room
	@mkdir -p data && setup/model.sh data
	@$(MAKE) install-files

install-files:
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/subrosa/boards/base $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 0755 $(addprefix $(BUILT)/,$(PROGRAMS)) $(DESTDIR)$(PREFIX)/bin/
	install -m 0644 $(shell grep -L '^lines = "sim"' boards/*.toml) -t $(DESTDIR)$(PREFIX)/share/subrosa/boards
	install -m 0644 boards/base/*.toml -t $(DESTDIR)$(PREFIX)/share/subrosa/boards/base
	install -m 0644 data/selfie_segmentation_landscape.tflite -t $(DESTDIR)$(PREFIX)/share/subrosa
	install -D -m 0644 -t $(DESTDIR)$(PREFIX)/lib/systemd/system systemd/*.service systemd/*.target
	install -D -m 0644 systemd/sysusers.conf $(DESTDIR)$(PREFIX)/lib/sysusers.d/subrosa.conf
	install -D -m 0644 systemd/tmpfiles.conf $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/subrosa.conf
	install -D -m 0644 systemd/watchdog.conf $(DESTDIR)$(PREFIX)/lib/systemd/system.conf.d/50-subrosa-watchdog.conf
	install -D -m 0644 -t $(DESTDIR)$(PREFIX)/lib/udev/rules.d systemd/71-subrosa-codecs.rules systemd/72-subrosa.rules
	$(NATIVE)/subrosa man > $(DESTDIR)$(PREFIX)/share/man/man1/subrosa.1
	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)$(PREFIX)/share/zsh/vendor-completions $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	$(NATIVE)/subrosa completions bash > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/subrosa
	$(NATIVE)/subrosa completions zsh > $(DESTDIR)$(PREFIX)/share/zsh/vendor-completions/_subrosa
	$(NATIVE)/subrosa completions fish > $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/subrosa.fish
