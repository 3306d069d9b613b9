#!/bin/sh
# Observes the shared attributes for a hundred seconds, and prints them and each change.
# HOST, PORT and ACCESS_TOKEN choose the server and the device; the defaults are those of
# `motehub serve --demo`. Needs libcoap's coap-client.
set -eu
client=$(command -v coap-client || command -v coap-client-notls || echo coap-client)
server=coap://${HOST:-127.0.0.1}:${PORT:-5683}
exec "$client" -m get "$server/api/v1/${ACCESS_TOKEN:-A1_TEST_TOKEN}/attributes" -s 100 -B 100
