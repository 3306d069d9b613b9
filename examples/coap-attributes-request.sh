#!/bin/sh
# Asks for two client and two shared attributes.
# HOST, PORT and ACCESS_TOKEN choose the server and the device; the defaults are those of
# `motehub serve --demo`. Needs libcoap's coap-client (coap-cli sends no queries).
set -eu
client=$(command -v coap-client || command -v coap-client-notls || echo coap-client)
server=coap://${HOST:-127.0.0.1}:${PORT:-5683}
"$client" -m get "$server/api/v1/${ACCESS_TOKEN:-A1_TEST_TOKEN}/attributes?\
clientKeys=model,calibrated&sharedKeys=interval,unit"
