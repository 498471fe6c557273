# `make` alone tells what there is to make.

CACHE := $(or $(SHOAL_CACHE),$(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME)/shoal,$(HOME)/.cache/shoal))
TARGET := $(or $(CARGO_TARGET_DIR),target)

# The cache's bin holds only what PATH lacks (tests/deps/install sees to that), so it may come first.
export PATH := $(CACHE)/bin:$(PATH)

.PHONY: help deps demo demo-remove test soak check bench
.DEFAULT_GOAL := help

help:
	@echo 'make deps   fetch what this machine lacks (MySQL, etcd, protoc, ip, drivers) into $(CACHE)'
	@echo 'make demo   a shop of 230,000 rows in a small cluster, to talk SQL to; Ctrl-C ends it, its data stays'
	@echo 'make demo-remove   remove that data'
	@echo 'make test   build, and run every test; a table of phases at the end (30 to 40 minutes cold)'
	@echo 'make soak   what takes longer: sysbench beside the ledger, a minute a workload (SHOAL_SOAK_SECONDS), and more'
	@echo 'make check  formatting and lints, without running anything'
	@echo 'make bench  build for speed and measure the gate beside other proxies; BENCH=reparent measures changes of primary,'
	@echo '            and BENCH=--help tells the rest'
	@echo
	@echo 'SHOAL_CACHE names another cache folder. A mysqld >= 8.4, etcd or protoc on PATH is used as it is.'

deps:
	@tests/deps/install drivers

demo:
	@tests/deps/install
	cargo build --workspace --all-targets
	@tests/demo/run $(TARGET)/debug

demo-remove:
	@tests/demo/run $(TARGET)/debug --remove

test: deps
	@tests/phases

soak:
	@tests/deps/install sysbench
	cargo build --workspace --all-targets
	cargo test --workspace --test soak -- --test-threads=1 --nocapture

check:
	@tests/deps/install
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

bench:
	@tests/deps/install proxies
	cargo build --release --workspace --bins
	$(TARGET)/release/shoal-bench $(BENCH)
