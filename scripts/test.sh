#!/bin/sh
# From a bare Debian 12: installs what is needed, builds, runs every test. Ends with one line,
# "N passed, N failed, N skipped", and fails when something failed.
#   scripts/test.sh [-R REGEX]   only the ctest tests whose name matches
set -eu
cd "$(dirname "$0")/.."
filter=${2:-.}
# A suite that vanished from the build is a failure, unless only some were asked for.
if [ $# -eq 0 ]; then none=error; else none=ignore; fi

step() { printf '\n== %s (%s s)\n' "$1" "$(($(date +%s) - started))"; }
started=$(date +%s)

step "packages"
scripts/install-deps.sh --test
step "build: release"
scripts/build.sh release
step "build: asan"
scripts/build.sh asan
step "build: fuzz"
scripts/build.sh fuzz

results=build/test-results
rm -rf "$results"
mkdir -p "$results"
failed=0
for preset in release asan fuzz; do
  step "tests: $preset"
  case "$preset" in release) dir=build ;; *) dir=build-$preset ;; esac
  ctest --test-dir "$dir" -j2 -R "$filter" --no-tests=$none --output-on-failure \
    --test-output-size-passed 8000000 --test-output-size-failed 8000000 \
    --output-junit "$PWD/$results/$preset.xml" || failed=1
done

step "summary"
python3 tests/summary.py "$results"/*.xml || failed=1
exit $failed
