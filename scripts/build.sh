#!/bin/sh
# Brings node_modules and dist up to date; does nothing, quickly, when they are. Two at once: the second waits.
set -eu

cd -- "$(dirname -- "$0")/.."

# What the last build was made from: the lock file and the newest source.
fresh() {
  [ -f dist/.built ] && [ -z "$(find package-lock.json apps packages services chaos -path '*/node_modules' -prune -o -path '*/dist' -prune -o \
    \( -name '*.ts' -o -name 'package.json' -o -name 'package-lock.json' \) -newer dist/.built -print -quit)" ]
}
fresh && exit 0

node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 18) ? 0 : 1)' || {
  echo "holdfast: Node.js $(node --version) is too old; 20.18 or later is needed." >&2
  exit 3
}

mkdir -p dist
exec 9>dist/.lock
flock 9 || { echo 'holdfast: another build does not end' >&2; exit 5; }
fresh && exit 0

if [ ! -f node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo 'Installing Node packages …'
  npm ci --no-audit --no-fund --loglevel=error
fi
stamp=$(mktemp dist/.stamp.XXXXXX)
echo 'Building Holdfast …'
npx --no-install tsc -b && node scripts/bundle-programs.mjs || { rm -f "$stamp"; exit 1; }
mv "$stamp" dist/.built
