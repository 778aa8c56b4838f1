#!/usr/bin/env bash
# Installs what the tests talk to: mosquitto and its clients, PostgreSQL, RabbitMQ, and the Node packages below tests/peers, and the .NET tools. Starts no service.
set -euo pipefail
cd "$(dirname "$0")/.."

as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }

missing=()
need() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || missing+=("$2"); }
need mosquitto mosquitto
need mosquitto_pub mosquitto-clients
need sqlite3 sqlite3
need psql postgresql-client
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null 2>&1 || missing+=(postgresql)
need coap-client-notls libcoap3-bin
[ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || missing+=(rabbitmq-server)
need python3 python3
/usr/bin/python3 -c "import pika" >/dev/null 2>&1 || missing+=(python3-pika)
need openssl openssl
need curl curl
need node nodejs
need npm npm
need pgrep procps

if [ ${#missing[@]} -gt 0 ]; then
  echo "Installing ${missing[*]} ..."
  as_root apt-get update -qq
  # A package must not start its service: tests start their own, on private ports.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod +x "$policy"
    trap 'as_root rm -f "$policy"' EXIT
  fi
  DEBIAN_FRONTEND=noninteractive as_root apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

for peer in node opcua openapi oidc; do
  [ ! "tests/peers/$peer/node_modules/.package-lock.json" -nt "tests/peers/$peer/package.json" ] || continue
  echo "Installing the Node packages of tests/peers/$peer ..."
  (cd "tests/peers/$peer" && npm install --omit=dev --no-package-lock --no-audit --no-fund --silent)
done

# Kiota, which makes a client in C#.
dotnet tool restore >/dev/null
