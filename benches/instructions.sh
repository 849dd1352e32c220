#!/usr/bin/env bash
# Instructions of the demo run, counted by callgrind: repeatable on a busy machine, so that CI can hold a bound.
#
#   benches/instructions.sh [BINARY] [--accept]
#
# Fails where the count is more than 3 % above the bound in benches/instructions.txt.
set -euo pipefail
cd "$(dirname "$0")/.."
binary="${1:-${CARGO_TARGET_DIR:-target}/debug/cohorte}"
bound_file=benches/instructions.txt
if ! command -v valgrind >/dev/null 2>&1; then
  echo "no valgrind: instructions are not counted (install the package 'valgrind')"
  exit 0
fi
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
valgrind --tool=callgrind --callgrind-out-file="$out/callgrind" --log-file="$out/log" \
  "$binary" run pipeline.yaml --out "$out/run" --partitions 1 --quiet
count=$(sed -n 's/^summary: \([0-9]*\).*/\1/p;s/^totals: \([0-9]*\).*/\1/p' "$out/callgrind" | head -1)
bound=$(cat "$bound_file" 2>/dev/null || echo 0)
printf 'instructions of the demo run: %d million (bound %d million)\n' $((count / 1000000)) $((bound / 1000000))
if [ "${2:-}" = --accept ]; then
  echo "$count" > "$bound_file"
elif [ "$bound" = 0 ]; then
  echo "no bound yet: $0 BINARY --accept"; exit 1
elif [ $((count * 100)) -gt $((bound * 103)) ]; then
  echo "more than 3 % above the bound: find out why, or accept it with $0 BINARY --accept"; exit 1
elif [ $((count * 100)) -lt $((bound * 95)) ]; then
  echo "more than 5 % below the bound: lower it with $0 BINARY --accept"
fi
