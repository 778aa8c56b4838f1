#!/usr/bin/env bash
# Takes away one layer of tenant isolation at a time, in a scratch worktree of HEAD, and demands that a test of isolation fails for each.
# Usage: eng/mutate-isolation.sh [number ...]    all mutations without numbers. Needs what eng/install-peers.sh installs; slow, so not part of CI.
set -uo pipefail
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)/repository
git worktree add -q --detach "$scratch" HEAD || exit 2
trap 'rm -rf "$(dirname "$scratch")"; git worktree prune' EXIT
export IIOT_REQUIRE_PEERS=1
wanted=" $* "
table=()
survivors=0

# Replaces a text that must be there exactly once.
edit() {
  OLD="$2" NEW="$3" python3 - "$scratch/$1" <<'PY'
import os, sys
path, old, new = sys.argv[1], os.environ["OLD"], os.environ["NEW"]
text = open(path, encoding="utf-8").read()
if text.count(old) != 1:
    sys.exit(f"{path}: found {text.count(old)} times, not once: {old}")
open(path, "w", encoding="utf-8").write(text.replace(old, new))
PY
}

# Prints the names of the tests that failed. Returns 0 when all passed, 1 when some failed, 2 when nothing could be run.
run() {
  local project failed="" total=0 log="$scratch/run.log"
  for project in "$@"; do
    # Dead code is what a mutation is about: warnings are none of its business.
    dotnet build "$scratch/tests/$project" -c Release -p:TreatWarningsAsErrors=false -p:RunAnalyzers=false -v q >"$log" 2>&1 ||
      { grep -m3 'error' "$log" >&2; return 2; }
    dotnet run --project "$scratch/tests/$project" -c Release --no-build -- \
      --filter-class '*Isolation*' --filter-class '*GuardTests' --progress off --no-ansi >"$log" 2>&1
    total=$((total + $(grep -oP '^\s*total: \K\d+' "$log" || echo 0)))
    failed+=$(grep -oP '^failed \K[^ (]+' "$log" | sort -u)$'\n'
  done
  [ "$total" -gt 0 ] || { echo "no test ran: $(tail -3 "$log")" >&2; return 2; }
  failed=$(grep -v '^$' <<<"$failed" | sed 's/^Insa\.Iiot\.//')
  [ -z "$failed" ] && return 0
  echo "$failed"
  return 1
}

is_wanted() { [ "$wanted" = "  " ] || [[ "$wanted" == *" $1 "* ]]; }

# mutation <number> <what> <other layer that may hold, or -> <projects>: the edits have been made.
mutation() {
  local number=$1 what=$2 other=$3 caught status result
  shift 3
  echo "$number: $what ..." >&2
  caught=$(run "$@")
  status=$?
  case $status in
    0) if [ "$other" = - ]; then result="**SURVIVED**"; survivors=$((survivors + 1)); else result="no test fails: $other still holds"; fi ;;
    1) result="$(head -1 <<<"$caught")"; [ "$(wc -l <<<"$caught")" -gt 1 ] && result+=" and $(($(wc -l <<<"$caught") - 1)) more" ;;
    *) echo "$number could not be run." >&2; exit 2 ;;
  esac
  table+=("| $number | $what | $result |")
  echo "   $result" >&2
  git -C "$scratch" checkout -q -- .
}

must() { "$@" || exit 2; }

api=Insa.Iiot.AspNetCore.Tests
postgres=Insa.Iiot.Storage.Postgres.Tests
middleware=src/Insa.Iiot.AspNetCore/Guards/TenancyMiddleware.cs

echo "0: nothing ..." >&2
run "$api" "$postgres" >&2 || { echo "The tests must pass before anything is taken away." >&2; exit 2; }

if is_wanted 1; then
  must edit $middleware '        if (plan.NeedsUser && !caller.IsUser)' $'        if (caller is not null)\n            return null;\n        if (plan.NeedsUser && !caller.IsUser)'
  mutation 1 "guard: nothing is checked after the tenant's header" - "$api"
fi
if is_wanted 2; then
  must edit src/Insa.Iiot.Tenancy/Access/AccessDirectory.cs 'BelongsToTenant = member is not null || above is not null,' 'BelongsToTenant = true,'
  must edit $middleware 'if (!caller.Permissions.ContainsAll(plan.Permissions))' 'if (caller is null)'
  mutation 2 "membership: everybody belongs everywhere, with every permission" - "$api"
fi
if is_wanted 3; then
  must edit src/Insa.Iiot.Storage.Sqlite/Devices/SqliteDeviceStore.cs \
    'WHERE tenant = (SELECT id FROM tenant WHERE name = $tenant) AND {which} ORDER BY' 'WHERE $tenant IS NOT NULL AND {which} ORDER BY'
  mutation 3 "filter: SQLite finds and lists devices of all tenants" - "$api"
fi
if is_wanted 4; then
  must edit src/Insa.Iiot.Storage.Sqlite/Telemetry/SqliteTelemetryReader.cs \
    $'l.tenant = t.id\n            WHERE t.name = $tenant\n            """;\n        command.Parameters.AddWithValue("$tenant", tenant.Value);\n        command.Parameters.AddWithValue("$device", device.Value);\n\n        var latest' \
    $'l.tenant = t.id\n            WHERE $tenant IS NOT NULL\n            """;\n        command.Parameters.AddWithValue("$tenant", tenant.Value);\n        command.Parameters.AddWithValue("$device", device.Value);\n\n        var latest'
  mutation 4 "filter: SQLite reads latest values of all tenants" - "$api"
fi
if is_wanted 5; then
  must edit src/Insa.Iiot.Storage.Sqlite/Control/SqliteControlStore.cs \
    '"scope = CASE WHEN $tenant IS NULL THEN 0 ELSE (SELECT id FROM tenant WHERE name = $tenant) END"' \
    '"scope >= CASE WHEN $tenant IS NULL THEN 0 ELSE 0 END"'
  mutation 5 "filter: SQLite's control store ignores the scope" - "$api"
fi
if is_wanted 6; then
  must edit src/Insa.Iiot.Storage.Postgres/Migrations/Sql/0001_base.sql \
    "using (tenant_no = (select nullif(current_setting(''iiot.tenant'', true), '''')::int)) '" "using (true) '"
  mutation 6 "row-level security: the policies of telemetry and devices let all through" - "$api" "$postgres"
fi
if is_wanted 7; then
  must edit src/Insa.Iiot.Storage.Postgres/Telemetry/PostgresTelemetryReader.cs \
    'where tenant_no = {TenantBatch.Number} and device_no = $1 and metric_no = any ($2)' 'where device_no = $1 and metric_no = any ($2)'
  mutation 7 "filter: PostgreSQL's reader of chunks has no predicate of its own" - "$postgres"
fi
if is_wanted 8; then
  must edit src/Insa.Iiot.AspNetCore/Idempotency/IdempotencyFilter.cs \
    'caller.HasTenant ? ControlScope.Of(caller.Tenant) : ControlScope.Platform' 'ControlScope.Platform'
  must edit src/Insa.Iiot.AspNetCore/Idempotency/IdempotencyFilter.cs 'Hash(caller.Id, http.Request.Method' 'Hash(http.Request.Method'
  mutation 8 "idempotency: a key is everybody's" - "$api"
fi
if is_wanted 9; then
  must edit src/Insa.Iiot.AspNetCore/Http/PageQuery.cs 'if (!bytes.AsSpan(0, SealBytes).SequenceEqual(Seal(list)))' 'if (bytes.Length == 0)'
  mutation 9 "cursor: its seal is not looked at" - "$api"
fi
of_tenant='tenant_no = {TenantBatch.Number}'
if is_wanted 10; then
  must edit src/Insa.Iiot.Storage.Postgres/Telemetry/FrameQuery.cs "where $of_tenant and ts >= \$2 and ts < \$3" 'where ts >= $2 and ts < $3'
  mutation 10 "filter: PostgreSQL's reader of frames has no predicate of its own" - "$postgres"
fi
if is_wanted 11; then
  must edit src/Insa.Iiot.Storage.Postgres/Telemetry/FrameQuery.cs "where $of_tenant and stream_no = s.no" 'where stream_no = s.no'
  mutation 11 "filter: PostgreSQL's latest values have no predicate of their own" - "$postgres"
fi
if is_wanted 12; then
  must edit src/Insa.Iiot.Storage.Postgres/Rollups/RollupAnswer.cs "where $of_tenant and device_no = s.device" 'where device_no = s.device'
  mutation 12 "filter: PostgreSQL's reader of rollups has no predicate of its own" - "$postgres"
fi
if is_wanted 13; then
  must edit src/Insa.Iiot.Storage.Postgres/Telemetry/PostgresTelemetryStatistics.cs \
    "r.$of_tenant and r.device_no = k.device_no and r.metric_no = k.metric_no
          where r.bucket >= \$1" $'r.device_no = k.device_no and r.metric_no = k.metric_no\n          where r.bucket >= $1'
  mutation 13 "filter: PostgreSQL's statistics have no predicate of their own" - "$postgres"
fi
if is_wanted 14; then
  must edit src/Insa.Iiot.Storage.Postgres/Devices/PostgresDeadLetterStore.cs "from iiot.dead_letter where $of_tenant and {which}" 'from iiot.dead_letter where {which}'
  mutation 14 "filter: PostgreSQL lists dead letters of all tenants" - "$postgres"
fi
if is_wanted 15; then
  must edit src/Insa.Iiot.Storage.Postgres/Retention/PostgresRetentionPolicies.cs "where $of_tenant order by metric" 'order by metric'
  mutation 15 "filter: PostgreSQL lists retention policies of all tenants" - "$postgres"
fi

printf '\n| | taken away | caught by |\n| --- | --- | --- |\n'
printf '%s\n' "${table[@]}"
[ "$survivors" -eq 0 ]
