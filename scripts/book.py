#!/usr/bin/env python3
"""Makes the book: `scripts/book.py build`, or any other command of mdbook (`serve --open`); needs mdbook (`cargo install mdbook`).

Pages link to what lies beside docs/: results, schemas, examples, sources. So that each link leads somewhere in the book too, its
source is a copy of all that git knows, in target/book-src; a page that is linked to is a chapter, after those of docs/SUMMARY.md,
and a folder that is linked to gets a list of its files. The first chapter, also the book's index, lies in the root."""

import html
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parent.parent
COPY = ROOT / "target" / "book-src"


def check_links():
    """The reader of links that is in check-links.py."""
    spec = importlib.util.spec_from_file_location("check_links", ROOT / "scripts" / "check-links.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def reached(first, links):
    """All pages that links lead to from these, and the folders, each relative to the root."""
    pages, folders, waiting = [], set(), list(first)
    while waiting:
        page = waiting.pop(0)
        if page in pages:
            continue
        pages.append(page)
        for _, target in links((ROOT / page).read_text(encoding="utf-8")):
            to = (ROOT / page).parent / unquote(target.partition("#")[0])
            if ":" in target or not to.exists():
                continue
            to = to.resolve().relative_to(ROOT)
            if (ROOT / to).is_dir():
                folders.add(to)
            elif to.suffix == ".md":
                waiting.append(to)
    return pages, folders


def title(page):
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    heading = next((line.lstrip("# ") for line in lines if line.startswith("# ")), page.name)
    heading = heading.replace("[", "(").replace("]", ")").replace("`", "")
    day = re.match(r"results/(\d{4}-\d\d-\d\d)", page.as_posix())
    return f"{heading}, {day[1]}" if day and day[1] not in heading else heading


def listing(folder, files):
    inside = sorted(file.relative_to(folder).as_posix() for file in files if file.is_relative_to(folder))
    rows = "".join(f'<li><a href="{html.escape(name)}">{html.escape(name)}</a></li>\n' for name in inside)
    return f"<!doctype html><meta charset=utf-8><title>{folder}</title><h1>{folder}</h1><ul>\n{rows}</ul>\n"


def main():
    links = check_links().links
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, check=True, stdout=subprocess.PIPE,
                            text=True).stdout.split("\0")
    files = [Path(name) for name in listed if name and (ROOT / name).is_file()]
    shutil.rmtree(COPY, ignore_errors=True)
    for file in files:
        (COPY / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / file, COPY / file)

    summary = (ROOT / "docs" / "SUMMARY.md").read_text(encoding="utf-8")
    chapters = [Path(os.path.normpath(Path("docs") / target)) for _, target in links(summary)]
    pages, folders = reached(chapters, links)
    for _, target in links(summary):
        summary = summary.replace(f"]({target})", f"]({os.path.normpath(os.path.join('docs', target))})")
    summary += "\n# Beside the book\n\n"
    beside = sorted(pages[len(chapters):], key=lambda page: (page.parts[0] == "results", len(page.parts) > 2, page))
    summary += "".join(f"{'  ' * (len(page.parts) > 2)}- [{title(page)}]({page})\n" for page in beside)
    (COPY / "SUMMARY.md").write_text(summary, encoding="utf-8")
    for folder in folders:
        (COPY / folder / "index.html").write_text(listing(folder, files), encoding="utf-8")
    try:
        sys.exit(subprocess.run(["mdbook", *(sys.argv[1:] or ["build"])], cwd=ROOT).returncode)
    except FileNotFoundError:
        sys.exit("error: mdbook is not on the path; `cargo install --locked mdbook` puts it there")


if __name__ == "__main__":
    main()
