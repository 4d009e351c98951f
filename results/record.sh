#!/usr/bin/env bash
# Makes results/<date>-<cpu>/ on this machine and rewrites the index. Nothing else should run meanwhile.
# Takes about three minutes with five kernels on two processors. --quick makes a short one, to try it.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=0.5 samples=10 puzzles=200
if [ "${1:-}" = --quick ]; then seconds=0.05 samples=5 puzzles=20; shift; fi
[ $# -eq 0 ] || { echo "usage: results/record.sh [--quick]" >&2; exit 2; }

cargo build --release
paydirt="${CARGO_TARGET_DIR:-target}/release/paydirt"
folder='results/{date}-{cpu}'
"$paydirt" bench --kernel all --threads 1,all --seconds "$seconds" --samples "$samples" --save "$folder"
"$paydirt" compare --bits 8..20,24,32,40 --samples "$puzzles" --rate phone=2MH/s --rate server=1GH/s \
    --within 500ms --save "$folder"

{
    sed '/^<!-- folders -->$/q' results/README.md
    echo
    for summary in results/*/bench.md; do
        name=$(basename "$(dirname "$summary")")
        title=$(sed -n '1s/^# Hash rates: //p' "$summary")
        echo "- [$title]($name/bench.md): hash rates; [difficulty levels]($name/compare.md)"
    done
} > results/README.new
mv results/README.new results/README.md
