#!/bin/sh
# Posts an array of objects; they share one time that the server gives.
# HOST, PORT and ACCESS_TOKEN choose the server and the device; the defaults are those of
# `motehub serve --demo`. Needs coap-cli (npm install -g coap-cli).
set -eu
server=coap://${HOST:-127.0.0.1}:${PORT:-5683}
coap post "$server/api/v1/${ACCESS_TOKEN:-A1_TEST_TOKEN}/telemetry" \
    <"$(dirname "$0")/telemetry-data-as-array.json"
