#!/usr/bin/env bash
# Starts the built sample host on free ports, sends it a reading by MQTT, CoAP and HTTP as its banner says, reads them back, sends the device a command, and
# stops it.
set -euo pipefail
cd "$(dirname "$0")/.."

data=$(mktemp -d)
host=
cleanup() { [ -z "$host" ] || kill "$host" 2>/dev/null || true; rm -rf "$data"; }
trap cleanup EXIT

dotnet run --project samples/Insa.Iiot.SampleHost -c Release --no-build -- --data "$data" --Iiot:Http:Port 0 --Iiot:Mqtt:Port 0 --Iiot:Coap:Port 0 --Iiot:Coap:SecurePort 0 --Iiot:OpcUa:Port 0 >"$data/out" 2>&1 &
runner=$!
for _ in $(seq 300); do
  grep -q 'Ctrl+C' "$data/out" && break
  kill -0 "$runner" 2>/dev/null || { cat "$data/out"; echo "The host did not start."; exit 1; }
  sleep 0.1
done
host=$(pgrep -P "$runner" || echo "$runner")

[ "$(stat -c %a "$data/bootstrap.json")" = 600 ] || { echo "bootstrap.json is not private."; exit 1; }
read_key() { sed -n "/\"$1\"/{s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p;q;}" "$data/bootstrap.json"; }
http=$(read_key http)

# Never grep -q behind a pipe: it leaves early, and pipefail takes the writer's complaint for a failure.

# The banner's own lines must work as they stand.
grep -E '^ +mosquitto_pub ' "$data/out" | sh
grep -E '^ +curl ' "$data/out" | sh | grep '"value":21.5' >/dev/null || { echo "The published reading was not read back."; exit 1; }

# What the banner sends is waiting, what is sent to a device that listens comes at once, and what it left MQTT has.
comes() { for _ in $(seq 300); do grep -q "$1" "$data/commands" && return; sleep 0.1; done; echo "The device did not get $1: $(cat "$data/commands")"; exit 1; }
list() { curl -fsS -H "Authorization: Bearer $(read_key adminToken)" "$http/api/v1/devices/demo-press-01/commands"; }
delivered() { for _ in $(seq 300); do [ "$(list | grep -o '"state":"delivered"' | wc -l)" = "$1" ] && return; sleep 0.1; done; echo "Not $1 commands are delivered: $(list)"; exit 1; }
send() { curl -fsS -H "Authorization: Bearer $(read_key adminToken)" -H 'Content-Type: application/json' -d "{\"name\":\"$1\"}" "$http/api/v1/devices/demo-press-01/commands" >/dev/null; }
grep -E '^ +coap-client-notls -s 60 ' "$data/out" | sed 's/^ */exec /' | sh >"$data/commands" &
listener=$!
comes '"open-valve","data":{"percent":40}'
send close-valve
comes '"close-valve"'
delivered 2
kill "$listener"
wait "$listener" || true
send stop
grep -E '^ +mosquitto_sub ' "$data/out" | sed 's/$/ -C 1 -W 30/' | sh | grep '^commands/3 .*"stop"' >/dev/null || { echo "The device did not get its command by MQTT."; exit 1; }
delivered 3

grep -E '^ +coap-client-notls -m post ' "$data/out" | sh
curl -fsS -H "Authorization: Bearer $(read_key adminToken)" "$http/api/v1/devices/demo-press-01/telemetry/latest" | grep '"value":22.5' >/dev/null || { echo "The reading sent by CoAP was not read back."; exit 1; }

curl -fsS -u "$(read_key username):$(read_key password)" -H 'Content-Type: application/json' -d '{"data":{"pressure":3.5}}' "$http/api/v1/telemetry"
curl -fsS -H "Authorization: Bearer $(read_key adminToken)" "$http/api/v1/devices/demo-press-01/telemetry?metric=pressure" | grep '"value":3.5' >/dev/null
[ "$(curl -s -o /dev/null -w '%{http_code}' "$http/api/v1/devices")" = 401 ]
[ "$(curl -s -o /dev/null -w '%{http_code}' -u "$(read_key username):$(read_key password)" -d '{' "$http/api/v1/telemetry")" = 415 ]
# What was refused above is in the audit log, which is verified offline; and not after it was altered.
token=$(read_key adminToken)
[ "$(curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $token" "$http/api/v1/tenants")" = 403 ]
curl -fsS -X POST -H "Authorization: Bearer $token" "$http/api/v1/audit/checkpoint" | node -e 'process.stdout.write(JSON.parse(fs.readFileSync(0)).text)' >"$data/checkpoint"
curl -fsS -H "Authorization: Bearer $token" "$http/api/v1/audit/export" >"$data/export"
verify() { dotnet run --project samples/Insa.Iiot.SampleHost -c Release --no-build -- verify-audit "$1" default --kept "$data/checkpoint"; }
verify "$data/export"
sed 's/permission-denied/permission-granted/' "$data/export" >"$data/altered"
if verify "$data/altered"; then echo "An altered audit log was believed."; exit 1; fi

curl -fsS "$http/openapi/v1.json" | grep '"openapi": *"3.1' >/dev/null
curl -fsS "$http/health/ready" | grep ready >/dev/null
curl -fsS "$http/metrics" | grep 'insa_iiot_ingestion_messages_committed' >/dev/null

kill -TERM "$host"
if wait "$runner"; then echo "The sample host works, and stops with 0."; else echo "The sample host stopped with $?."; cat "$data/out"; exit 1; fi
host=

# The README's host with tenants: signs in, calls an endpoint of its own, and keeps out who has no credential.
tenants=$data/tenants
mkdir "$tenants"
ASPNETCORE_URLS=http://127.0.0.1:0 dotnet run --project samples/Insa.Iiot.TenantHost -c Release --no-build -- --Data "$tenants/iiot.db" --Password 'correct horse battery' >"$tenants/out" 2>&1 &
runner=$!
for _ in $(seq 300); do
  grep -q 'Application started' "$tenants/out" && break
  kill -0 "$runner" 2>/dev/null || { cat "$tenants/out"; echo "The host with tenants did not start."; exit 1; }
  sleep 0.1
done
host=$(pgrep -P "$runner" || echo "$runner")
http=$(sed -n 's/.*Now listening on: //p' "$tenants/out" | head -n 1)
token=$(curl -fsS -H 'Content-Type: application/json' -d '{"email":"ann@example.com","password":"correct horse battery"}' "$http/api/v1/auth/login" |
  sed -n 's/.*"accessToken":"\([^"]*\)".*/\1/p')
[ "$(curl -fsS -H "Authorization: Bearer $token" "$http/shifts")" = 'The shifts of plant.' ]
[ "$(curl -s -o /dev/null -w '%{http_code}' "$http/shifts")" = 401 ]
kill -TERM "$host"
if wait "$runner"; then echo "The host with tenants works, and stops with 0."; else echo "The host with tenants stopped with $?."; cat "$tenants/out"; exit 1; fi
host=
