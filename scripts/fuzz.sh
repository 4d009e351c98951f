#!/usr/bin/env bash
# One fuzz target for some seconds, with the stable compiler: scripts/fuzz.sh NAME [SECONDS]
#
# In: a target of fuzz/fuzz_targets; its dictionary in fuzz/dictionaries, if there is one. Out: libFuzzer's log, its corpus in
# fuzz/corpus/NAME, what it found in fuzz/artifacts/NAME. Coverage only, no address sanitizer: that needs a nightly compiler,
# and `cargo +nightly fuzz run NAME` has both.
set -euo pipefail
cd "$(dirname "$0")/.."
name=${1:?which target? One of: $(cd fuzz/fuzz_targets && ls | sed 's/\.rs$//' | tr '\n' ' ')}
seconds=${2:-60}
host=$(rustc -vV | sed -n 's/^host: //p')
# For the target alone, not for build scripts: that is what --target is for.
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Ccodegen-units=16 -Cdebuginfo=0"
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target/fuzz-run} CARGO_PROFILE_RELEASE_OPT_LEVEL=1
cargo build --release --manifest-path fuzz/Cargo.toml --target "$host" --bin "$name"
mkdir -p "fuzz/corpus/$name" "fuzz/artifacts/$name"
dictionary=fuzz/dictionaries/$name.dict
[ -f "$dictionary" ] && words=(-dict="$dictionary") || words=()
exec "$CARGO_TARGET_DIR/$host/release/$name" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=30 \
    -artifact_prefix="fuzz/artifacts/$name/" "${words[@]}" "fuzz/corpus/$name"
