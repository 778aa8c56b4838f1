#!/usr/bin/env bash
# Does the load tool run, check every acknowledgement, and give a number? How fast is not judged here.
set -euo pipefail
cd "$(dirname "$0")/.."
dotnet run --project benchmarks/Insa.Iiot.Benchmarks -c Release --no-build -- --filter '*CborOfOneValue*' --job dry --inProcess --artifacts "$(mktemp -d)" | grep 'SenmlCborOfOneValue' >/dev/null
dotnet run --project benchmarks/Insa.Iiot.LoadTest -c Release --no-build -- mqtt --seconds 1 --rounds 1 --connections 4 --store sqlite --compare mosquitto
