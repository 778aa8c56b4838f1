#!/usr/bin/env bash
# Do the load tools run, check every acknowledgement and every row, and give a number? How fast is not judged here.
set -euo pipefail
cd "$(dirname "$0")/.."
dotnet run --project benchmarks/Insa.Iiot.Benchmarks -c Release --no-build -- --filter '*CborOfOneValue*' --job dry --inProcess --artifacts "$(mktemp -d)" | grep 'SenmlCborOfOneValue' >/dev/null
load() { dotnet run --project benchmarks/Insa.Iiot.LoadTest -c Release --no-build -- "$@"; }
load mqtt --seconds 1 --rounds 1 --connections 4 --store sqlite --compare mosquitto
load mqtt --seconds 1 --rounds 1 --connections 4 --store postgres
load coap --seconds 1 --rounds 1 --endpoints 32 --store sqlite --compare libcoap
load amqp --messages 5000 --rounds 1 --queues 2 --store sqlite --compare bare
load amqp-sink --seconds 1 --rounds 1 --partitions 2 --devices 200
load opcua read --seconds 1 --rounds 1 --compare node-opcua --idle-items 1000
load opcua subscribe --policy Basic256Sha256 --seconds 1 --rounds 1 --idle-sessions 10 --idle-items 0
load copy --points 100000 --rounds 1
load read --percent 1 --rounds 2
