#!/usr/bin/env bash
# Generates .sst/platform: SST's own component sources and their types, which the infrastructure is checked against.
# Asks the npm registry only: no AWS account, no Pulumi. Does nothing where the installed SST's platform is there already.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# Every sst command, --help included, first fetches Pulumi and Bun from GitHub; `install` needs neither.
export SST_SKIP_DEPENDENCY_CHECK=1
export SST_TELEMETRY_DISABLED=1

# SST itself writes `version`, but before it installs the packages: only our own mark says that all of it is there.
mark=.sst/platform/.complete
version="$(node -p 'JSON.parse(fs.readFileSync("node_modules/sst/package.json", "utf8")).version')"
if [ "$(cat "$mark" 2>/dev/null || true)" = "$version" ]; then
  exit 0
fi

if [ -x node_modules/.bin/bun ]; then
  export SST_BUN_PATH="$PWD/node_modules/.bin/bun"
else
  export SST_NO_BUN=1
fi
# The stage is only asked for; nothing is deployed to it.
node_modules/.bin/sst install --stage check
# Bun obeys the platform's old lock file, which nests a second @types/node that the platform's sources do not fit.
find .sst/platform/node_modules -mindepth 4 -type d -path '*/node_modules/*/node_modules/@types/node' -prune -exec rm -rf {} +
echo "$version" > "$mark"
