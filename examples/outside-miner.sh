#!/bin/sh
# Mines for a node from outside: takes a header from GET /work, solves it here, brings the nonce back. Run it on as many
# machines as you like; no two of them search the same.
#
#   examples/outside-miner.sh [URL] [BLOCKS]      [default: http://127.0.0.1:5000, until it is stopped]
#
# TOKEN_FILE names the file with the node's token, if it wants one.
set -eu
url=${1:-http://127.0.0.1:5000}
blocks=${2:--1}
paydirt=${PAYDIRT:-paydirt}
# In a file, because everybody on the machine may see a command's arguments.
head=$(mktemp)
trap 'rm -f "$head"' EXIT
trap 'exit 130' INT TERM
if [ -n "${TOKEN_FILE:-}" ]; then
    printf 'Authorization: Bearer %s\n' "$(cat "$TOKEN_FILE")" > "$head"
fi
while [ "$blocks" -ne 0 ]; do
    work=$(curl -sSf -H "@$head" "$url/work")
    # Another miner may be quicker: after a while, ask what is wanted now. No solution is not an error either.
    found=$("$paydirt" mine --header "$(echo "$work" | jq -r .header)" --timeout 10 --json) || continue
    answer=$(jq -nc --argjson work "$work" --argjson found "$found" '{id: $work.id, nonce: $found.nonce}' |
        curl -s "$url/work" -H "@$head" -H 'content-type: application/json' -d @-)
    echo "$answer" | jq -r '[.index, .message] | map(values | tostring) | join(" ")'
    if [ "$(echo "$answer" | jq -r .tip)" = true ]; then
        blocks=$((blocks - 1))
    fi
done
