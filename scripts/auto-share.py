#!/usr/bin/env python3
"""What `auto` loses to the best kernel: searches of one second, each shape, in turn, by processor time.

    scripts/auto-share.py [--program FILE] [--seconds S] [--rounds N] [--threads N] [--shape NAME]

Each search is a process of its own, so `auto` remembers nothing and pays for its choice every time. First three searches of
every kernel that runs here (not portable and reference) say which one is the best for a shape; then auto and that one take
turns (A B B A A B …). A rate is hashes over the processor time of the whole process. The table shows the medians, and the
median of the pairs' ratios with how far it may be off (its standard error, by the MAD).
"""
import argparse, json, os, statistics, subprocess

HEADER = bytes(range(80)).hex()
SHAPES = {
    "header": ["--header", HEADER, "--bits", "200"],
    "header, 2 versions rolled": ["--header", HEADER, "--bits", "200", "--roll-version", "00002000"],
    "header, versions rolled": ["--header", HEADER, "--bits", "200", "--roll-version", "1fffe000"],
    "text, 3-byte prefix": ["--text", "ppp", "--bits", "200", "--start", "100000000"],
    "text, 40-byte prefix": ["--text", "p" * 40, "--bits", "200", "--start", "100000000"],
    "text, from nonce 0": ["--text", "ppp", "--bits", "200"],
    "digits across two blocks": ["--text", "p" * 56, "--nonce", "dec:20", "--bits", "200"],
    "three blocks after it, sha256d": [
        "--template", "p" * 30 + "{nonce}" + "s" * 200, "--digest", "sha256d", "--bits", "200", "--nonce", "dec:20",
    ],
    "hex digits": ["--template", "pppppppppp{nonce}", "--nonce", "hex:16", "--bits", "200"],
    "u64le, unaligned": ["--template", "p" * 21 + "{nonce}sssss", "--nonce", "u64le", "--bits", "200"],
}


def run(options, puzzle, kernel):
    """One search: hashes a second of processor time, and its result."""
    command = [options.program, "mine", *puzzle, "--timeout", str(options.seconds), "--json", "--kernel", kernel]
    child = subprocess.Popen(command + ["--threads", str(options.threads)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    text = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 4, f"exit code {child.returncode}: {' '.join(command)}"
    result = json.loads(text)
    return result["hashes"] / (usage.ru_utime + usage.ru_stime), result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="target/release/paydirt")
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--shape", choices=SHAPES, action="append")
    options = parser.parse_args()
    info = json.loads(subprocess.run([options.program, "info", "--json"], capture_output=True, check=True).stdout)
    kernels = [k["name"] for k in info["kernels"] if k["self_test"] and k["name"] not in ("portable", "reference")]
    print("| shape | auto took | best | best, MH/s | auto, MH/s | auto / best |")
    print("|---|---|---|---|---|---|", flush=True)
    for shape, puzzle in ((shape, SHAPES[shape]) for shape in options.shape or SHAPES):
        first = {name: statistics.median(run(options, puzzle, name)[0] for _ in range(3)) for name in kernels}
        best = max(first, key=first.get)
        pairs, took = [], set()
        for round in range(options.rounds):
            pair = {}
            for name in ["auto", best][:: 1 if round % 2 == 0 else -1]:
                pair[name], result = run(options, puzzle, name)
                if name == "auto":
                    took.add(result["chosen"]["kernel"] if "chosen" in result else f"{result['kernel']} (not measured)")
            pairs.append((pair["auto"], pair[best]))
        ratios = [auto / other for auto, other in pairs]
        ratio = statistics.median(ratios)
        mad = statistics.median(abs(one - ratio) for one in ratios)
        error = 1.4826 * mad * 1.2533 / len(ratios) ** 0.5
        auto, other = (statistics.median(side) / 1e6 for side in zip(*pairs))
        print(
            f"| {shape} | {', '.join(sorted(took))} | {best} | {other:.2f} | {auto:.2f} | {ratio:.4f} ± {error:.4f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
