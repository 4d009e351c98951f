#!/usr/bin/env python3
"""The engine's public items, as the compiler sees them, in docs/public-api.txt.

    scripts/public-api.py            writes the list anew
    scripts/public-api.py --check    fails where the list is not what the code says

In: rustdoc's JSON of the engine (unstable, hence RUSTC_BOOTSTRAP). Out: a line for each type, function, constant and
module under the path that a user writes, with its methods, fields and variants; at the end the crates that signatures name.
Names are resolved by the compiler: nothing here guesses.
"""
import json, os, pathlib, subprocess, sys

top = pathlib.Path(__file__).resolve().parent.parent
target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", top / "target"))
subprocess.run(
    ["cargo", "rustdoc", "--quiet", "-p", "paydirt", "--lib", "--", "-Z", "unstable-options", "--output-format", "json"],
    cwd=top, check=True, env={**os.environ, "RUSTC_BOOTSTRAP": "1", "RUSTDOCFLAGS": ""},
)
crate = json.loads((target / "doc" / "paydirt.json").read_text())
index, paths = crate["index"], crate["paths"]
lines, seen, named = [], set(), set()


def item(number):
    return index.get(str(number))


def crates_in(value):
    """Notes the crates of every type and trait that stands in a signature."""
    if isinstance(value, dict):
        if "id" in value and "path" in value:
            named.add(paths[str(value["id"])]["crate_id"] if str(value["id"]) in paths else 0)
        for part in value.values():
            crates_in(part)
    elif isinstance(value, list):
        for part in value:
            crates_in(part)


def members(path, inner):
    """Public fields, variants and methods, and the traits written by hand."""
    kind, body = next(iter(inner.items()))
    parts = list(body.get("variants", []))
    shape = body.get("kind") if kind == "struct" else None
    if isinstance(shape, dict):
        parts += shape.get("plain", {}).get("fields", []) + [f for f in shape.get("tuple", []) if f is not None]
    parts += body.get("items", [])  # of a trait
    for number in parts:
        part = item(number)
        if part and part["visibility"] in ("public", "default"):
            what = next(iter(part["inner"]))
            lines.append(f"{what.removeprefix('struct_').replace('function', 'fn')} {path}::{part['name']}")
            crates_in(part["inner"])
    for number in body.get("impls", []):
        block = item(number)
        if not block or block["inner"]["impl"]["trait"]:
            continue
        for number in block["inner"]["impl"]["items"]:
            part = item(number)
            if part["visibility"] == "public":
                what = next(iter(part["inner"])).replace("function", "fn").replace("assoc_const", "const")
                lines.append(f"{what} {path}::{part['name']}")
                crates_in(part["inner"])


def walk(number, path):
    """Modules before what they hold; an item that has two paths is listed under the shorter, which comes first."""
    later = []
    for child in item(number)["inner"]["module"]["items"]:
        entry = item(child)
        if entry["visibility"] != "public":
            continue
        name, kind = entry["name"], next(iter(entry["inner"]))
        if kind == "use":
            use = entry["inner"]["use"]
            name, entry = use["name"], item(use["id"])
            if entry is None:
                lines.append(f"use {path}::{name}")
                continue
            kind = next(iter(entry["inner"]))
        if kind == "module":
            later.append((entry["id"], f"{path}::{name}"))
        elif entry["id"] not in seen:
            seen.add(entry["id"])
            lines.append(f"{kind.replace('function', 'fn').replace('constant', 'const')} {path}::{name}")
            if kind in ("struct", "enum", "trait", "union"):
                members(f"{path}::{name}", entry["inner"])
            else:
                crates_in(entry["inner"])
    for number, path in later:
        lines.append(f"mod {path}")
        walk(number, path)


walk(crate["root"], "paydirt")
items = len(seen)
lines.sort(key=lambda line: line.split()[1])
names = sorted({crate["external_crates"][str(c)]["name"] for c in named if c})
text = "\n".join([f"# {items} items and their members: scripts/public-api.py writes this.", *lines, f"# Crates named in signatures: {', '.join(names)}.", ""])
place = top / "docs" / "public-api.txt"
if sys.argv[1:] == ["--check"]:
    if place.read_text() != text:
        sys.exit("docs/public-api.txt is not what the engine offers: run scripts/public-api.py and read the difference")
else:
    place.write_text(text)
