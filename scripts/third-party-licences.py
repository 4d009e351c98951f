#!/usr/bin/env python3
"""Prints what a binary of the program must carry along: each crate that is compiled into it, its licence, and the texts that
came with it. Takes what cargo knows; asks nobody else."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEXTS = ("licen", "copying", "notice", "copyright", "unlicense")


def cargo(*arguments):
    done = subprocess.run(["cargo", *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


def main():
    host = next(line[6:] for line in subprocess.run(["rustc", "-vV"], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
                if line.startswith("host: "))
    tree = cargo("tree", "--locked", "-p", "paydirt-cli", "-e", "normal", "--target", host, "--prefix", "none", "-f", "{p}")
    linked = {tuple(line.split()[:2]) for line in tree.splitlines() if line.strip()}
    metadata = json.loads(cargo("metadata", "--locked", "--format-version", "1", "--filter-platform", host))
    ours = set(metadata["workspace_members"])
    packages = [package for package in metadata["packages"]
                if (package["name"], "v" + package["version"]) in linked and package["id"] not in ours]
    packages.sort(key=lambda package: (package["name"], package["version"]))
    if not packages:
        sys.exit("error: cargo names no crate that the program is made of")

    print("paydirt is under MIT or Apache-2.0, as you like. Compiled into it are these crates; the texts of their licences follow.\n")
    print("The pictures' font is a subset of Roboto, Apache-2.0.\n")
    for package in packages:
        print(f"{package['name']} {package['version']}: {package['license'] or 'see its text'}")
    seen = {}
    for package in packages:
        folder = Path(package["manifest_path"]).parent
        found = [path for path in sorted(folder.iterdir()) if path.is_file() and path.name.lower().startswith(TEXTS)]
        for path in found:
            text = path.read_text(encoding="utf-8", errors="replace").strip()
            seen.setdefault(text, []).append(f"{package['name']} {package['version']} ({path.name})")
    for text, of in seen.items():
        print(f"\n{'=' * 80}\n" + "\n".join(of) + f"\n{'-' * 80}\n\n{text}")


if __name__ == "__main__":
    main()
