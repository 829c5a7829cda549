# The verbs of this project. `make run` and `make test` install what is missing on Debian and Ubuntu.
SHELL := /usr/bin/env bash
.DEFAULT_GOAL := help
DESKTOP := --features aicib-desktop/bundled

.PHONY: help run dev build test test-all test-engines chaos check format contract bench bench-ui screenshots bundle clean

help: ## Lists the verbs
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{ printf "make %-13s %s\n", $$1, $$2 }'

run: ## Installs what is missing, builds, and opens the app
	@scripts/setup.sh run
	@$(MAKE) --no-print-directory build
	@target/release/aicib-desktop

dev: ## Opens the app from source, with a page that reloads as you edit
	@scripts/setup.sh run
	cargo build
	npx --prefix ui tauri dev -- -p aicib-desktop

build: ui/dist/index.html ## Builds target/release/aicib and target/release/aicib-desktop
	cargo build --release -p aicib -p aicib-desktop $(DESKTOP)

ui/dist/index.html: $(shell find ui/src ui/index.html ui/package.json ui/vite.config.ts -type f 2>/dev/null)
	@scripts/setup.sh build
	npm run build --prefix ui --silent
	@touch $@

test: ## Everything that must pass: rules, UI, crates, the built programs, the real window
	@scripts/setup.sh test
	npm test --prefix ui --silent
	@$(MAKE) --no-print-directory ui/dist/index.html
	cargo build --workspace $(DESKTOP)
	cargo test --workspace --tests $(DESKTOP)

test-all: test ## The same, and what takes longer
	cargo test --workspace --tests $(DESKTOP) -- --ignored

test-engines: ## The real agent programs against the conformance suite, with no network but loopback
	@scripts/setup.sh test
	@scripts/test-engines.sh

chaos: ## Random kills over random work: make chaos TRIALS=1000 SEED=7
	@scripts/setup.sh test
	cargo build --release -p aicib
	TRIALS=$(TRIALS) SEED=$(SEED) cargo run --release -p blackbox --bin chaos

check: ## Format, lints, types: before every commit
	@scripts/setup.sh build
	cargo fmt --all --check
	@$(MAKE) --no-print-directory ui/dist/index.html
	cargo clippy --workspace --all-targets $(DESKTOP) -- -D warnings
	npm run check --prefix ui --silent

format: ## Formats everything
	cargo fmt --all
	npm run format --prefix ui --silent

contract: ## Writes the TypeScript types and the JSON Schema from crates/contract
	UPDATE_CONTRACT=1 cargo test -p contract --quiet generate

bench: build ## Measures, as ratios within one run
	@scripts/setup.sh test
	cargo run --release -p blackbox --bin bench
	cargo run --release -p store --example bench_events

bench-ui: build ## Measures the real window, beside an empty one of the same build
	@scripts/setup.sh test
	cargo build --release -p aicib-desktop $(DESKTOP) --example empty
	cargo run --release -p blackbox --bin bench_ui

screenshots: build ## Takes docs/screenshots from the real window, light and dark
	@scripts/setup.sh test
	cargo run --release -p blackbox --bin screenshots -- docs/screenshots

bundle: ui/dist/index.html ## Packages for this system (deb and rpm on Linux)
	cargo build --release -p aicib
	npx --prefix ui tauri build --bundles deb,rpm -- -p aicib-desktop

clean: ## Removes what was built
	cargo clean
	rm -rf ui/dist
