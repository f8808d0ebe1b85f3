#!/usr/bin/env bash
# Creates .sst/platform: the sources and types of SST's components, which the infrastructure checks use.
# It contacts only the npm registry and needs neither an AWS account nor Pulumi. If the platform of the installed SST
# exists already, it does nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# Every sst command, even --help, first downloads Pulumi and Bun from GitHub. `install` needs neither.
export SST_SKIP_DEPENDENCY_CHECK=1
export SST_TELEMETRY_DISABLED=1

# SST writes its own `version` file before it installs the packages. Only our own mark shows that the platform is complete.
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
# SST requires a stage name. Nothing is deployed.
node_modules/.bin/sst install --stage check
# Bun follows the platform's old lock file, which adds a second, nested @types/node. The platform's sources do not compile
# with it.
find .sst/platform/node_modules -mindepth 4 -type d -path '*/node_modules/*/node_modules/@types/node' -prune -exec rm -rf {} +
echo "$version" > "$mark"
