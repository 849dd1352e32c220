# `make demo` and `make test` share one build of the dependencies: the dev profile.
SHELL := bash
CARGO ?= cargo
KEY := build/demo.key

.PHONY: demo test conformance bless lint release bench bench-transforms instructions fuzz chromium axe postgresql s3server

## Build, run the demo pipeline into build/demo, and name the report and a Parquet file.
demo: $(KEY)
	$(CARGO) build --bin cohorte
	$(CARGO) run --quiet --bin cohorte -- run pipeline.yaml --out build/demo --force

# A throw-away key: 32 random bytes that only the owner can read.
$(KEY):
	@mkdir -p build
	@umask 077 && od -An -N32 -tx1 /dev/urandom | tr -d ' \n' > $@

## All tests. The report's test needs a browser and those of databases and stores servers; they are installed where apt can, else skipped with
## a message.
test: chromium axe postgresql s3server
	@if $(CARGO) nextest --version >/dev/null 2>&1; then $(CARGO) nextest run --no-fail-fast; else $(CARGO) test; fi
	$(CARGO) test --quiet --doc

## One line per outside test suite: name passed/total. Needs ../shared.
conformance:
	@set -o pipefail; $(CARGO) test --quiet --lib --test it conformance -- --nocapture --test-threads 1 | grep -oE 'conformance [a-z0-9-]+ [0-9]+/[0-9]+|test result.*'

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

## Random files for one reader: `make fuzz FORMAT=dicom SECONDS=600` (see fuzz/README.md).
FORMAT ?= dicom
SECONDS ?= 60
fuzz:
	fuzz/seeds.sh $(FORMAT)
	cd fuzz && RUSTC_BOOTSTRAP=1 $(CARGO) fuzz run --sanitizer none $(if $(filter parquet arrow,$(FORMAT)),--features columnar) $(FORMAT) -- -max_total_time=$(SECONDS) -max_len=100000 -timeout=20 -rss_limit_mb=2048 -print_final_stats=1

chromium:
	@command -v chromium >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1 || \
	  { if command -v apt-get >/dev/null 2>&1 && [ "$$(id -u)" = 0 ]; then \
	      echo "installing chromium for the report's test"; apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	    else echo "no chromium: the report's browser test will be skipped (install the package 'chromium')"; fi; }

# axe-core, with which the tests look for barriers in the report.
axe:
	@test -s build/axe/axe.min.js || { command -v npm >/dev/null 2>&1 && mkdir -p build/axe && cd build/axe && npm pack --silent axe-core@4.14.1 >/dev/null 2>&1 \
	  && tar -xzf axe-core-4.14.1.tgz --strip-components=1 package/axe.min.js package/LICENSE; } || echo "no axe-core: the report is not looked at for barriers (needs npm)"

postgresql:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || \
	  { if command -v apt-get >/dev/null 2>&1 && [ "$$(id -u)" = 0 ]; then \
	      echo "installing postgresql for the databases' test"; apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >/dev/null 2>&1 || true; \
	    else echo "no postgresql: the test of databases will be skipped (install the package 'postgresql')"; fi; }

# A server that speaks S3, built from its source package once.
s3server:
	@test -x $(HOME)/.cache/cohorte/tools/bin/s3s-fs || \
	  { echo "installing s3s-fs for the stores' test"; CARGO_TARGET_DIR=$(HOME)/.cache/cohorte/tools/build $(CARGO) install --quiet s3s-fs --version 0.14.1 --locked --features binary --root $(HOME)/.cache/cohorte/tools \
	    && rm -rf $(HOME)/.cache/cohorte/tools/build || echo "no s3s-fs: the test of stores will be skipped"; }
