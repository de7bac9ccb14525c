#!/bin/sh
# Configures and builds one preset of CMakePresets.json (release by default) with all processors.
#   scripts/build.sh [PRESET [TARGET...]]
set -eu
cd "$(dirname "$0")/.."
preset=${1:-release}
[ $# -eq 0 ] || shift
case "$preset" in release) dir=build ;; *) dir=build-$preset ;; esac
cmake --preset "$preset" > "$dir.configure.log" 2>&1 || { cat "$dir.configure.log"; rm -f "$dir.configure.log"; exit 1; }
rm -f "$dir.configure.log"
exec cmake --build "$dir" -- "$@"
