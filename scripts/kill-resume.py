#!/usr/bin/env python3
"""Kills `paydirt mine --resume` again and again, at random moments, and compares with a run that nobody killed.

    scripts/kill-resume.py [PAYDIRT] [KILLS] [SEED]

In: the program, target/release/paydirt unless named; 50 kills; a seed, so that a run can be had again. Out: for a search for
the lowest solution and one for all, how often it was killed, how many solutions were told twice before `resumed` had
them dropped, and whether the outcome is that of the whole. Exit code 1 when it is not.
"""
import json, os, random, signal, subprocess, sys, tempfile, time

program = sys.argv[1] if len(sys.argv) > 1 else "target/release/paydirt"
kills_wanted = int(sys.argv[2]) if len(sys.argv) > 2 else 50
seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 32)
chance = random.Random(seed)
print(f"seed {seed}")


def run(arguments):
    done = subprocess.run([program, "mine", "--json", *arguments], capture_output=True, text=True)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def same(result):
    return {key: value for key, value in result.items() if key not in ("elapsed_s", "hashes_per_second", "hashes")}


def rate():
    _, [result] = run(["--text", "rate", "--bits", "200", "--timeout", "1"])
    return result["hashes_per_second"]


def killed(arguments, folder):
    """Runs and kills it until so many kills are done or it ends."""
    file = os.path.join(folder, "search.json")
    told, kills, twice, starts = [], 0, 0, 0
    while True:
        starts += 1
        child = subprocess.Popen(
            [program, "mine", "--json", "--resume", file, *arguments], stdout=subprocess.PIPE, text=True
        )
        if kills < kills_wanted:
            # Some before they have begun, most after a renewal or two.
            time.sleep(chance.choice([chance.uniform(0, 0.05), chance.uniform(0, 2.5)]))
            child.send_signal(signal.SIGKILL)
        text, _ = child.communicate()
        lines = text.splitlines(keepends=True)
        if lines and not lines[-1].endswith("\n"):
            lines.pop()
        for line in map(json.loads, lines):
            if line.get("type") == "resumed":
                kept = [nonce for nonce in told if nonce < line["next"]]
                assert line["solution_count"] == len(kept), line
                twice += len(told) - len(kept)
                told = kept
            elif line.get("type") == "solution":
                told.append(line["nonce"])
            else:
                if os.path.exists(file):
                    content = json.load(open(file))
                    assert content["next"] is None and same(content["result"]).items() <= same(line).items()
                return line, told, kills, twice, starts
        kills += child.returncode == -signal.SIGKILL


failed = False
# As long as the kills take, on this machine, and some more.
count = int(rate() * 1.3 * 0.65 * kills_wanted)
for name, arguments in {
    "lowest": ["--text", "kill", "--bits", "200", "--count", str(count)],
    "all": ["--text", "kill", "--bits", "20", "--count", str(count), "--find", "all"],
}.items():
    with tempfile.TemporaryDirectory() as folder:
        result, told, kills, twice, starts = killed(arguments, folder)
        code, lines = run(arguments)
        whole = [line["nonce"] for line in lines[:-1]]
        right = same(result) == same(lines[-1]) and told == whole and result["hashes"] == count
        failed |= not right
        print(
            f"{name}: {kills} kills, {starts} starts, {count:,} nonces, {len(told)} solutions ({twice} told twice), "
            f"{'the same as without' if right else 'WRONG'}; {result['elapsed_s']:.0f} s, "
            f"{lines[-1]['elapsed_s']:.0f} s without"
        )
sys.exit(failed)
