# The front door: `make` lists what there is.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup build debug quickstart test test-fast parity bench check lint format docs dist clean

# Where scripts/setup had no root, it describes the codec libraries to the build there.
export PKG_CONFIG_PATH := $(shell scripts/setup --print pkgconfig):$(PKG_CONFIG_PATH)

swift_sources := $(wildcard Sources Tests Benchmarks Examples Package.swift)
# The targets that need no libtorch.
fast_tests := TensorFilesTests|ImagingTests|ConfigurationTests|ReportsTests

help: ## list the targets
	@echo "make TARGET, where TARGET is one of"
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' Makefile | expand -t 16

setup: ## fetch libtorch, codec libraries and Fashion-MNIST into the cache (once)
	@scripts/setup

build: setup ## build tessera for use: .build/release/tessera
	swift build -c release

debug: setup ## build tessera for debugging: .build/debug/tessera
	swift build

quickstart: build ## pre-train on 60,000 real pictures in minutes and look at the report
	.build/release/tessera quickstart --out runs/quickstart

test: setup ## run all tests
	swift build --build-tests
	swift test --skip-build

test-fast: setup ## run the tests that need no libtorch
	swift test --filter '^($(fast_tests))\.'

parity: setup ## compare with the recorded numbers of the reference implementations
	@scripts/parity

bench: build ## measure, beside Python's libtorch where it is installed: .build/bench.json
	Benchmarks/run

check: ## everything that continuous integration runs
	@scripts/check

lint: ## check formatting, scripts and what is tracked
	swift format lint --strict --recursive $(swift_sources)
	scripts/lint

format: ## format the Swift sources
	swift format --in-place --recursive $(swift_sources)

docs: setup ## build the documentation into .build/docs
	@scripts/docs

dist: setup ## pack a relocatable tarball into dist/
	@scripts/dist
	@scripts/check-dist

clean: ## delete what was built (not the cache of scripts/setup)
	rm -rf .build .build-dist .build-example Benchmarks/.build dist
