#!/usr/bin/env bash
# Makes a release of the program for this system, in target/package:
#   paydirt-VERSION-TARGET.tar.gz   the stripped binary, manual pages, completions, a systemd unit, licences
#   paydirt_VERSION_ARCH.deb        the same for Debian and its kin, made by cargo-deb
# and SHA256SUMS of both. Takes the release build of target/, or builds it. cargo-deb is installed into target/tools
# when it is not there. scripts/test-package.sh tries what comes out.
set -euo pipefail
cd "$(dirname "$0")/.."

[ $# -eq 0 ] || { echo "usage: scripts/package.sh" >&2; exit 2; }

export PATH="$PWD/target/tools/bin:$PATH"
if ! cargo deb --version >/dev/null 2>&1; then # some minutes of a processor's time, once for a target folder
    cargo install --quiet --locked --root target/tools --target-dir target/tools/build cargo-deb@3.8.0
    rm -rf target/tools/build
fi

cargo build --release --locked --bin paydirt # the same build as that of `cargo run --release`
binary="${CARGO_TARGET_DIR:-target}/release/paydirt"
version=$("$binary" --version | sed -n '1s/^paydirt //p')
target=$(rustc -vV | sed -n 's/^host: //p')

# Files are as old as the commit that they are of, and tar is told to sort: the same commit and compiler give the same bytes.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH

out=target/package
rm -rf "$out"
stage="$out/stage"
mkdir -p "$stage"/{man1,completions,licences}
cp "$binary" "$stage/paydirt"
strip "$stage/paydirt"
"$stage/paydirt" man --out "$stage/man1"
gzip -9n "$stage"/man1/*.1
"$stage/paydirt" completions bash > "$stage/completions/paydirt.bash"
"$stage/paydirt" completions zsh > "$stage/completions/_paydirt"
"$stage/paydirt" completions fish > "$stage/completions/paydirt.fish"
"$stage/paydirt" completions elvish > "$stage/completions/paydirt.elv"
"$stage/paydirt" completions powershell > "$stage/completions/_paydirt.ps1"
cp packaging/paydirt.service "$stage/"
cp README.md CHANGELOG.md "$stage/"
cp LICENSE-MIT LICENSE-APACHE "$stage/licences/"
scripts/third-party-licences.py > "$stage/licences/THIRD-PARTY.txt"
gzip -9nk "$stage/CHANGELOG.md"

name="paydirt-$version-$target"
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" --mode='u+rwX,go+rX,go-w' \
    --exclude=CHANGELOG.md.gz --transform="s,^\./stage,$name," -C "$out" -cf - ./stage | gzip -9n > "$out/$name.tar.gz"

# What goes where stands in crates/cli/Cargo.toml, [package.metadata.deb].
cargo deb --quiet --no-build --no-strip --locked -p paydirt-cli --output "$out/"

rm -r "$stage"
(cd "$out" && sha256sum -- *.tar.gz *.deb | tee SHA256SUMS)
