#!/usr/bin/env bash
# paydirt in shell pipelines with jq.
# What is shown on the way is copied to stderr.
#
#     examples/pipeline.sh [path of paydirt]
set -euo pipefail
paydirt=${1:-paydirt}

echo "== a column of texts becomes a table of proofs"
printf '%s\n' alpha beta gamma |
    jq -Rc '{id: ., puzzle: {text: .}, goal: {bits: 16}}' |
    "$paydirt" work |
    jq -r 'select(.type == "result") | [.id, .nonce, .hash] | @tsv' | tee >(cat >&2) |
    while IFS=$'\t' read -r text nonce hash; do
        test "$(printf '%s%s' "$text" "$nonce" | sha256sum | cut -d' ' -f1)" = "$hash"
    done

echo "== four shards, merged into the one answer"
for shard in 0/4 1/4 2/4 3/4; do
    "$paydirt" mine --text 100 --hex-zeros 4 --count 1000000 --shard "$shard" --json || test $? -eq 1
done | "$paydirt" merge --json | jq -c '{status, nonce, shards, hashes}' | tee >(cat >&2) |
    jq -e '.nonce == 35293 and .shards == 4' > /dev/null

echo "== a Nostr note (NIP-13): jq writes the JSON template, paydirt finds the nonce"
event='{"pubkey": "a48380f4cfcc1ad5378294fcac36439770f9c878dd880ffa94bb74ea54a6f243", "created_at": 1651794653,
        "kind": 1, "tags": [], "content": "It'\''s just me mining my own business"}'
template=$(jq -c '[0, .pubkey, .created_at, .kind, .tags + [["nonce", "{nonce}", "20"]], .content]' <<< "$event")
"$paydirt" verify --template "$template" --bits 20 776797 --json |
    jq -e '.valid and .hash == "000006d8c378af1779d2feebc7603a125d99eca0ccf1085959b307f64e5dd358"' > /dev/null
echo "the NIP's own example is valid: nonce 776797"
"$paydirt" mine --template "$template" --bits 20 --json |
    jq -c --argjson event "$event" '. as $mined | $event | .id = $mined.hash | .tags += [["nonce", $mined.nonce_text, "20"]]'
