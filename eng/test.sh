#!/usr/bin/env bash
# Installs the peers, builds everything with warnings as errors, and runs all tests. A missing peer is a failure here, not a skip.
# Ends with one line: N passed, N failed, N skipped.
set -uo pipefail
cd "$(dirname "$0")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en

./eng/install-peers.sh || { echo "The test peers could not be installed; see above." >&2; exit 1; }
# One compiler for all projects, also where the environment says otherwise: it is faster.
dotnet build Insa.Iiot.sln -c Release -p:UseSharedCompilation=true || exit 1

DOTNET_ROOT=${DOTNET_ROOT:-$(dirname "$(readlink -f "$(command -v dotnet)")")}
export DOTNET_ROOT
log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
for project in tests/*/*.csproj; do
  name=$(basename "$project" .csproj)
  echo "== $name"
  # A test that hangs is named after two minutes, and ends its project after twenty-five, so that the others are still heard of.
  IIOT_REQUIRE_PEERS=1 timeout --kill-after=30 1500 "artifacts/bin/$name/release/$name" \
    --progress off --no-ansi --xunit-diagnostics on --long-running 120 2>&1 | tee -a "$log"
  [ "${PIPESTATUS[0]}" -eq 0 ] || { status=1; echo "FAILED: $name"; }
done

sum() { awk -v key="$1:" '$1 == key { n += $2 } END { print n + 0 }' "$log"; }
passed=$(sum succeeded) failed=$(sum failed) skipped=$(sum skipped)
[ "$passed" -gt 0 ] && [ "$failed" -eq 0 ] || status=1
echo "$passed passed, $failed failed, $skipped skipped"
exit $status
