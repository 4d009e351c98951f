#!/usr/bin/env python3
"""Real nodes on a bad network: cut in halves, joined, killed and started again, under load.

    sudo scripts/cut-network.py [--nodes 8] [--rounds 3] [--delay 50ms] [--loss 1%] [--binary target/release/paydirt]

Each node has a network namespace of its own (iproute2), a veth link with delay and loss (tc netem), and a folder. Half of them
hang on one bridge, half on another, and one link between the bridges is the cut. Clients post transfers to all nodes all the
time, and keep what was acknowledged. In each round the halves are cut, mined in, joined; some nodes are killed (SIGKILL) and
started again. At the end it checks:

  one tip            every node has the same chain, to the last block
  nothing lost       every acknowledged transfer stands in it
  nothing twice      and once

Exit 0 if all of it holds. Needs root, and leaves nothing behind.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--nodes", type=int, default=8)
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--cut-seconds", type=float, default=20)
parser.add_argument("--delay", default="50ms", help="one way, of each node's link; a path has two")
parser.add_argument("--loss", default="1%")
parser.add_argument("--rate", type=float, default=50, help="transfers posted a second")
parser.add_argument("--bits", default="12")
parser.add_argument("--interval", default="6", help="seconds between a node's blocks")
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--binary", default="target/release/paydirt")
options = parser.parse_args()
if "PAYDIRT_CUT_NETWORK" not in os.environ:
    # All of it happens in network namespaces of its own: nothing of it is seen outside, and it is gone with this process.
    os.environ["PAYDIRT_CUT_NETWORK"] = "inside"
    os.execvp("unshare", ["unshare", "--net", "--", sys.executable, *sys.argv])
random.seed(options.seed)
binary = os.path.abspath(options.binary)
TAG = f"pd{os.getpid() % 10000}"
RUN = tempfile.mkdtemp(prefix="paydirt-cut-")


def run(*words, check=True):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if check and done.returncode:
        sys.exit(f"{' '.join(words)}: {done.stdout.strip()}")
    return done.stdout


class Node:
    """A node: its namespace, its folder, its process."""

    def __init__(self, number):
        self.number = number
        self.name = f"{TAG}n{number}"
        self.address = f"10.77.{number % 2}.{number + 1}"
        self.url = f"http://{self.address}:5000"
        self.process = None

    def wire(self):
        run("ip", "netns", "add", self.name)
        link = f"{TAG}v{self.number}"
        run("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        run("ip", "link", "set", link, "master", f"{TAG}b{self.number % 2}", "up")
        inside = ("ip", "-n", self.name)
        run(*inside, "address", "add", f"{self.address}/16", "dev", "eth0")
        run(*inside, "link", "set", "eth0", "up")
        run(*inside, "link", "set", "lo", "up")
        netem = ("netem", "delay", options.delay, "loss", options.loss)
        refused = run("tc", "-n", self.name, "qdisc", "add", "dev", "eth0", "root", *netem, check=False)
        return refused.strip()

    def start(self, mines=True):
        peers = [node for node in nodes if node is not self]
        chosen = random.Random(self.number).sample(peers, min(3, len(peers)))
        command = ["ip", "netns", "exec", self.name, binary, "serve", "--data", f"{RUN}/{self.number}"]
        command += ["--host", "0.0.0.0", "--port", "5000", "--allow-host", self.address, "--log", "off"]
        command += ["--bits", options.bits, "--threads", "1"]
        if mines:
            command += ["--mine-interval", f"{float(options.interval) + self.number * 0.37:.2f}"]
        command += ["--listen", f"/ip4/{self.address}/tcp/5333"]
        for peer in chosen:
            command += ["--peer", f"/ip4/{peer.address}/tcp/5333"]
        log = open(f"{RUN}/{self.number}.log", "ab")
        self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def get(self, path, timeout=20):
        with urllib.request.urlopen(self.url + path, timeout=timeout) as answer:
            return json.load(answer)

    def post(self, path, body, timeout=20):
        request = urllib.request.Request(
            self.url + path, json.dumps(body).encode(), {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return json.load(answer)


nodes = [Node(number) for number in range(options.nodes)]
acknowledged = {}
refused = 0
stop_posting = threading.Event()
lock = threading.Lock()


def post_for_ever(seed):
    """Posts transfers, each with its own tag, to any node; keeps what was acknowledged."""
    global refused
    choose = random.Random(seed)
    while not stop_posting.is_set():
        node = choose.choice(nodes)
        tag = f"{choose.getrandbits(63) + 1:016x}"
        body = {"sender": "alice", "recipient": f"bob{seed}", "amount": 1, "tag": tag}
        try:
            node.post("/transactions/new", body)
            with lock:
                acknowledged[tag] = node.number
        except (urllib.error.URLError, OSError, ValueError):
            with lock:
                refused += 1
        time.sleep(4 / options.rate)


def bridge(number):
    return f"{TAG}b{number}"


def set_cut(is_cut):
    run("ip", "link", "set", f"{TAG}x0", "down" if is_cut else "up")


def tips():
    found = []
    for node in nodes:
        try:
            status = node.get("/status", 5)
            found.append((status["tip"]["index"], status["tip"]["hash"]))
        except (urllib.error.URLError, OSError, ValueError):
            found.append(None)
    return found


def wait_for_one_tip(seconds):
    began = time.time()
    while time.time() - began < seconds:
        found = tips()
        if None not in found and len({json.dumps(tip) for tip in found}) == 1:
            return time.time() - began
        time.sleep(0.25)
    return None


def clean():
    for node in nodes:
        if node.process and node.process.poll() is None:
            node.process.kill()
        run("ip", "netns", "delete", node.name, check=False)


def main():
    run("ip", "link", "set", "lo", "up")
    for number in (0, 1):
        run("ip", "link", "add", bridge(number), "type", "bridge")
        run("ip", "link", "set", bridge(number), "up")
        # This script reaches each half by a link of its own, cut or not.
        run("ip", "link", "add", f"{TAG}h{number}", "type", "veth", "peer", "name", f"{TAG}i{number}")
        run("ip", "link", "set", f"{TAG}i{number}", "master", bridge(number), "up")
        run("ip", "address", "add", f"10.77.{number}.254/24", "dev", f"{TAG}h{number}")
        run("ip", "link", "set", f"{TAG}h{number}", "up")
    run("ip", "link", "add", f"{TAG}x0", "type", "veth", "peer", "name", f"{TAG}x1")
    for number in (0, 1):
        run("ip", "link", "set", f"{TAG}x{number}", "master", bridge(number), "up")
    without = [node.wire() for node in nodes]
    links = f"{options.delay} and {options.loss}"
    if any(without):
        links = "NO delay and NO loss"
        print(f"SKIPPED: delay and loss; this kernel's tc says: {without[0]}")
    for node in nodes:
        node.start()
    agreed = wait_for_one_tip(60)
    if agreed is None:
        print(f"no agreement at the beginning: {tips()}")
        return 1
    print(f"{len(nodes)} nodes, {links} on each link; first agreement after {agreed:.1f} s")
    posters = [threading.Thread(target=post_for_ever, args=(seed,), daemon=True) for seed in range(4)]
    for poster in posters:
        poster.start()
    for number in range(options.rounds):
        set_cut(True)
        time.sleep(options.cut_seconds)
        found = tips()
        halves = {json.dumps(found[half]) for half in (0, 1)}
        set_cut(False)
        killed = random.sample(nodes, max(1, len(nodes) // 4))
        for node in killed:
            node.kill()
        time.sleep(2)
        for node in killed:
            node.start()
        time.sleep(options.cut_seconds)
        print(
            f"round {number + 1}: cut for {options.cut_seconds:.0f} s (halves {'differed' if len(halves) > 1 else 'were equal'}), "
            f"joined, killed and started {[node.number for node in killed]}; heights {[tip and tip[0] for tip in tips()]}"
        )
    stop_posting.set()
    for poster in posters:
        poster.join()
    began = time.time()
    pending = None
    while time.time() - began < 180:
        pending = [node.get("/status").get("pending") for node in nodes]
        if all(count == 0 for count in pending):
            break
        time.sleep(1)
    for node in nodes:  # nobody mines any more: the tip stands still
        node.kill()
    for node in nodes:
        node.start(mines=False)
    time.sleep(3)
    nodes[0].get("/mine", 60)  # of branches with as much work each node keeps its own: one more block decides
    agreed = wait_for_one_tip(120)
    print(f"acknowledged {len(acknowledged)} transfers, {refused} posts had no answer; pending at the end {pending}")
    print(f"one tip: {'after %.1f s' % agreed if agreed is not None else 'NO: ' + str(tips())}")
    failed = agreed is None
    for node in nodes[:: max(1, len(nodes) // 3)]:
        counts = {}
        for block in node.get("/chain", 120)["chain"]:
            for transaction in block["transactions"]:
                if "tag" in transaction:
                    counts[transaction["tag"]] = counts.get(transaction["tag"], 0) + 1
        lost = [tag for tag in acknowledged if tag not in counts]
        twice = [tag for tag, count in counts.items() if count > 1]
        print(f"node {node.number}: {len(counts)} transfers in its chain, {len(lost)} acknowledged ones lost, {len(twice)} twice")
        failed = failed or bool(lost) or bool(twice)
    return 1 if failed else 0


code = 1
try:
    code = main()
finally:
    clean()
    if code == 0:
        shutil.rmtree(RUN, ignore_errors=True)
    else:
        print(f"logs are in {RUN}", file=sys.stderr)
sys.exit(code)
