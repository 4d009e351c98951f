#!/usr/bin/env python3
"""Verifies a chain without any code of paydirt's: Python's standard library is enough.

    paydirt chain export | examples/verify_chain.py
    curl -s localhost:5000/chain | jq -c '.chain[]' | examples/verify_chain.py

Reads blocks as JSON lines, the first one first. For each: the transactions hash to the header's Merkle root, the header
to the block's hash, the hash meets the header's target, and the header names the block before. Exits with 1 at the first
block that does not.
"""

import hashlib
import json
import struct
import sys


def sha256d(data):
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def transaction_id(transaction):
    """The double SHA-256 of the canonical JSON (RFC 8785), tag and all: no spaces, names in order, UTF-8."""
    text = json.dumps(transaction, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256d(text.encode())


def merkle_root(hashes):
    """Bitcoin's: pairs are hashed together; where one is left over, it is its own partner."""
    while len(hashes) > 1:
        if len(hashes) % 2:
            hashes = hashes + hashes[-1:]
        hashes = [sha256d(left + right) for left, right in zip(hashes[::2], hashes[1::2])]
    return hashes[0]


def shown(digest):
    """As Bitcoin shows hashes: the last byte first, so that zeros lead."""
    return digest[::-1].hex()


def header(block):
    """The 80 bytes that are hashed."""
    return (
        struct.pack("<i", block["version"])
        + bytes.fromhex(block["previous_hash"])[::-1]
        + bytes.fromhex(block["merkle_root"])[::-1]
        + struct.pack("<III", block["timestamp"], int(block["bits"], 16), block["proof"])
    )


def target(bits):
    """Compact form: the first byte counts the bytes of the number of which the other three are the highest."""
    size, mantissa = bits >> 24, bits & 0x7FFFFF
    return mantissa << 8 * (size - 3) if size > 3 else mantissa >> 8 * (3 - size)


def problem(block, previous):
    """What is wrong with a block, if anything is."""
    ids = [transaction_id(transaction) for transaction in block["transactions"]]
    rewards = [place for place, one in enumerate(block["transactions"]) if one["sender"] == "0"]
    digest = sha256d(header(block))
    if rewards != [0]:
        return "its reward does not stand first and alone"
    if len(set(ids)) < len(ids):
        return "a transaction stands in it twice"
    if shown(merkle_root(ids)) != block["merkle_root"]:
        return "its transactions do not make its Merkle root"
    if shown(digest) != block["hash"]:
        return "its header does not make its hash"
    if int.from_bytes(digest, "little") > target(int(block["bits"], 16)):
        return "its hash does not meet its target"
    if previous and (block["previous_hash"], block["index"]) != (previous["hash"], previous["index"] + 1):
        return "it does not stand on the block before"
    return None


def main():
    previous, transactions = None, 0
    for line in sys.stdin:
        try:
            block = json.loads(line)
            wrong = problem(block, previous)
        except (ValueError, KeyError, TypeError):
            sys.exit("a line is no block; a whole answer of GET /chain goes through jq -c '.chain[]' first")
        if wrong:
            sys.exit(f"block {block['index']}: {wrong}")
        previous, transactions = block, transactions + len(block["transactions"])
    if previous is None:
        sys.exit("no blocks")
    print(f"{previous['index']} blocks and {transactions} transactions are valid; the last is {previous['hash']}")


if __name__ == "__main__":
    main()
