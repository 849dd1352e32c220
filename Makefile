# `make demo` and `make test` share one build of the dependencies: the dev profile.
SHELL := bash
CARGO ?= cargo
KEY := build/demo.key

.PHONY: demo test conformance bless lint release bench bench-transforms instructions chromium

## Build, run the demo pipeline into build/demo, and name the report and a Parquet file.
demo: $(KEY)
	$(CARGO) build --bin cohorte
	$(CARGO) run --quiet --bin cohorte -- run pipeline.yaml --out build/demo --force

# A throw-away key: 32 random bytes that only the owner can read.
$(KEY):
	@mkdir -p build
	@umask 077 && od -An -N32 -tx1 /dev/urandom | tr -d ' \n' > $@

## All tests. The report's test needs a browser; it is installed where apt can, else skipped with a message.
test: chromium
	@if $(CARGO) nextest --version >/dev/null 2>&1; then $(CARGO) nextest run --no-fail-fast; else $(CARGO) test; fi
	$(CARGO) test --quiet --doc

## One line per outside test suite: name passed/total. Needs ../shared.
conformance:
	@set -o pipefail; $(CARGO) test --quiet --test it conformance -- --nocapture --test-threads 1 | grep -oE 'conformance [a-z0-9-]+ [0-9]+/[0-9]+|test result.*'

## Write the goldens anew; look at the difference before you commit it.
bless:
	BLESS=1 $(CARGO) test --test it golden

lint:
	$(CARGO) clippy --all-targets -- -D warnings

## The benchmark job (5 million rows) by cohorte, DuckDB and Polars in turn: ratios to build/bench/summary.json.
## Then the join and pivot job (2 and 20 million laboratory rows) by cohorte and DuckDB, each within 512 MB.
bench: release
	python3 benches/harmonise/bench.py $(BENCH)
	python3 benches/labs/bench.py $(BENCH)
	python3 benches/labs/bench.py --patients 5000000 --runs 3

## Rows a second of each transform.
bench-transforms:
	$(CARGO) bench --bench transforms

## Instructions of the demo run against the bound in benches/instructions.txt (callgrind).
instructions: $(KEY)
	$(CARGO) build --bin cohorte
	benches/instructions.sh

## The shipped binary: target/release/cohorte.
release:
	$(CARGO) build --release --bin cohorte

chromium:
	@command -v chromium >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1 || \
	  { if command -v apt-get >/dev/null 2>&1 && [ "$$(id -u)" = 0 ]; then \
	      echo "installing chromium for the report's test"; apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	    else echo "no chromium: the report's browser test will be skipped (install the package 'chromium')"; fi; }
