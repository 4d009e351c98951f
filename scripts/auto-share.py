#!/usr/bin/env python3
"""What `auto` loses to the best kernel: searches of one second, each shape, in turn, by processor time.

    scripts/auto-share.py [--program FILE] [--seconds S] [--rounds N] [--threads N] [--shape NAME]

Each search is a process of its own, so `auto` remembers nothing and pays for its choice every time. For each shape, in each
round: auto and every kernel that runs here (not portable and reference), in an order that turns. A rate is hashes over the
processor time of the whole process. The table shows the medians, the best kernel by them, and the median over the rounds of
auto's rate over the best one's in the same round, with how far it may be off (the median's standard error, by the MAD).
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
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--shape", choices=SHAPES, action="append")
    options = parser.parse_args()
    info = json.loads(subprocess.run([options.program, "info", "--json"], capture_output=True, check=True).stdout)
    kernels = [k["name"] for k in info["kernels"] if k["self_test"] and k["name"] not in ("portable", "reference")]
    print(f"| shape | auto took | best | best, MH/s | auto, MH/s | auto / best |")
    print("|---|---|---|---|---|---|", flush=True)
    for shape in options.shape or SHAPES:
        rates = {name: [] for name in ["auto", *kernels]}
        took = set()
        for round in range(options.rounds):
            names = list(rates)
            turned = names[round % len(names):] + names[: round % len(names)]
            for name in turned:
                rate, result = run(options, SHAPES[shape], name)
                rates[name].append(rate)
                if name == "auto":
                    took.add(result["chosen"]["kernel"] if result.get("chosen") else f"{result['kernel']} (not measured)")
        medians = {name: statistics.median(all) for name, all in rates.items()}
        best = max(kernels, key=medians.get)
        ratios = [auto / other for auto, other in zip(rates["auto"], rates[best])]
        ratio = statistics.median(ratios)
        mad = statistics.median(abs(one - ratio) for one in ratios)
        error = 1.4826 * mad * 1.2533 / len(ratios) ** 0.5
        print(
            f"| {shape} | {', '.join(sorted(took))} | {best} | {medians[best] / 1e6:.2f} | {medians['auto'] / 1e6:.2f} "
            f"| {ratio:.4f} ± {error:.4f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
