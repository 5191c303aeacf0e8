#!/bin/sh
# The README's test command: installs what is missing, then lint, types, unit, integration and end-to-end tests, and one line with the sum.
# TESTS="unit e2e" runs only those levels.
set -eu

cd -- "$(dirname -- "$0")/.."
sh scripts/build.sh
exec node scripts/run-tests.mjs "$@"
