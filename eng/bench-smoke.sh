#!/usr/bin/env bash
# Do the load tools run, check every acknowledgement and every row, and give a number? How fast is not judged here.
set -euo pipefail
cd "$(dirname "$0")/.."
dotnet run --project benchmarks/Insa.Iiot.Benchmarks -c Release --no-build -- --filter '*CborOfOneValue*' --job dry --inProcess --artifacts "$(mktemp -d)" | grep 'SenmlCborOfOneValue' >/dev/null
load() { dotnet run --project benchmarks/Insa.Iiot.LoadTest -c Release --no-build -- "$@"; }
load mqtt --seconds 1 --rounds 1 --connections 4 --store sqlite --compare mosquitto
load mqtt --seconds 1 --rounds 1 --connections 4 --store postgres
load coap --seconds 1 --rounds 1 --endpoints 32 --store sqlite --compare libcoap
load copy --points 100000 --rounds 1
load read --percent 1 --rounds 2
