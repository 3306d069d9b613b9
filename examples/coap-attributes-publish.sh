#!/bin/sh
# Publishes client attributes.
# HOST, PORT and ACCESS_TOKEN choose the server and the device; the defaults are those of
# `motehub serve --demo`. Needs coap-cli (npm install -g coap-cli).
set -eu
server=coap://${HOST:-127.0.0.1}:${PORT:-5683}
coap post "$server/api/v1/${ACCESS_TOKEN:-A1_TEST_TOKEN}/attributes" \
    <"$(dirname "$0")/new-attributes-values.json"
