#!/usr/bin/env python3
"""Holds the links of all Markdown files that git knows: each leads to a file that is there, and to a heading that is there.
Each page of docs/ stands in docs/SUMMARY.md. Asks no network: addresses on the web are left alone."""

import re
import subprocess
import sys
import unicodedata
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parent.parent

FENCE = re.compile(r"^ {0,3}(```+|~~~+)")
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(\s*<?([^()\s<>]*(?:\([^()\s]*\))?[^()\s<>]*)>?(?:\s+\"[^\"]*\")?\s*\)")
REFERENCE = re.compile(r"^ {0,3}\[[^\]]+\]:\s+(\S+)")
SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def prose(text):
    """The lines outside fenced blocks, numbered from 1, without what stands between backticks."""
    fence = None
    for number, line in enumerate(text.splitlines(), 1):
        mark = FENCE.match(line)
        if fence is None and mark:
            fence = mark[1]
        elif fence is not None:
            if mark and mark[1].startswith(fence):
                fence = None
        else:
            yield number, line


def without_code(line):
    return re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "code", line)


def anchors(text):
    """What GitHub (and mdBook) call the headings."""
    names, seen = set(), {}
    for _, line in prose(text):
        heading = re.match(r"^ {0,3}#{1,6}\s+(.*?)\s*#*\s*$", line)
        if heading:
            words = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading[1]).lower()
            kept = (c for c in words if c in " -_" or unicodedata.category(c)[0] in "LN")
            name = "".join(kept).replace(" ", "-")
            count = seen.get(name, 0)
            seen[name] = count + 1
            names.add(f"{name}-{count}" if count else name)
        names.update(re.findall(r"<a\s+(?:id|name)=\"([^\"]+)\"", line))
    return names


def links(text):
    for number, line in prose(text):
        bare = without_code(line)
        for target in LINK.findall(bare) + REFERENCE.findall(bare):
            yield number, target


def problems(page, root=ROOT):
    text = page.read_text(encoding="utf-8")
    for number, target in links(text):
        if SCHEME.match(target) or target.startswith("//"):
            continue
        path, _, anchor = target.partition("#")
        where = f"{page.relative_to(root)}:{number}: "
        to = (page.parent / unquote(path)).resolve() if path else page
        if not to.is_relative_to(root):
            yield f"{where}{target} leads out of the repository"
        elif not to.exists():
            yield f"{where}{target} leads to nothing"
        elif anchor and to.suffix == ".md" and anchor not in anchors(to.read_text(encoding="utf-8")):
            yield f"{where}{target}: there is no such heading"


def main():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.md"], cwd=ROOT, check=True, stdout=subprocess.PIPE,
                            text=True).stdout.split("\n")
    pages = [ROOT / name for name in listed if name and (ROOT / name).exists()]
    found = [problem for page in pages for problem in problems(page)]
    summary = ROOT / "docs" / "SUMMARY.md"
    chapters = {(summary.parent / target).resolve() for _, target in links(summary.read_text(encoding="utf-8"))}
    for page in sorted((ROOT / "docs").glob("*.md")):
        if page != summary and page not in chapters:
            found.append(f"docs/SUMMARY.md: {page.name} is not in it")
    count = sum(1 for page in pages for _ in links(page.read_text(encoding="utf-8")))
    if found:
        sys.exit("\n".join(found) + f"\nerror: {len(found)} of {count} links are dead")
    print(f"{count} links on {len(pages)} pages lead somewhere")


if __name__ == "__main__":
    main()
