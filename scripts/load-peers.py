#!/usr/bin/env python3
"""Measures nodes among their peers, over loopback: first sync, blocks, transfers, idling.

usage: scripts/load-peers.py [PAYDIRT] [sync|block|transfers|idle ...]

PAYDIRT is the program (target/release/paydirt). Each part prints one JSON object a line. Needs Linux and Python 3.9; nothing else.
Ledgers are made in a temporary folder, which is removed afterwards.

    sync       a new node fetches 100,000 blocks from two: blocks a second, memory over that of an idle node
    block      a block of 1,000 transfers, from tip at one node to tip at its neighbour
    transfers  5,000 transfers a second posted at one node, until they wait at the last of five
    idle       the processor time of a node with eight peers that has nothing to do
"""

import contextlib
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BLOCKS = int(os.environ.get("BLOCKS", 100_000))
ROUNDS = int(os.environ.get("ROUNDS", 100))
RATE = int(os.environ.get("RATE", 5_000))
SECONDS = int(os.environ.get("SECONDS", 10))
TICK = 1 / os.sysconf("SC_CLK_TCK")


class Node:
    """A process of its own, at free ports."""

    def __init__(self, paydirt, *options):
        command = [paydirt, "serve", "--port", "0", "--listen", "/ip4/127.0.0.1/tcp/0", *options]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self.port = None
        for line in self.process.stderr:
            if "listening on http://" in line:
                self.port = int(line.split("listening on http://")[1].split()[0].rsplit(":", 1)[1])
                break
        assert self.port, "it did not start"
        threading.Thread(target=lambda: [None for _ in self.process.stderr], daemon=True).start()
        self.wait(lambda: self.get("/peers")["listen"])
        self.address = self.get("/peers")["listen"][0]

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        connection.request("GET", path)
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer

    def wait(self, so, every=0.01, most=600):
        end = time.monotonic() + most
        while not so():
            assert time.monotonic() < end, "it never came to be so"
            time.sleep(every)

    def length(self):
        return self.get("/status")["length"]

    def memory(self, name):
        """In MiB: VmRSS is what it takes now, VmHWM the most that it took."""
        for line in open(f"/proc/{self.process.pid}/status"):
            if line.startswith(name + ":"):
                return int(line.split()[1]) / 1024
        raise KeyError(name)

    def processor_s(self):
        fields = open(f"/proc/{self.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) * TICK

    def events(self, heard):
        """Calls `heard` with the time, the name and the data of each event from now on, on a thread of its own."""
        stream = socket.create_connection(("127.0.0.1", self.port))
        stream.sendall(b"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        lines = stream.makefile("rb")
        while lines.readline().strip():
            pass

        def listen():
            name = None
            for line in lines:
                if line.startswith(b"event: "):
                    name = line[7:].strip().decode()
                elif line.startswith(b"data: "):
                    heard(time.monotonic(), name, line[6:])

        threading.Thread(target=listen, daemon=True).start()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


@contextlib.contextmanager
def running(nodes):
    try:
        yield nodes
    finally:
        for node in nodes:
            node.stop()


def share(values, part):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * part))]


def say(**report):
    print(json.dumps(report), flush=True)


def sync(paydirt, folder):
    first, second = folder / "first", folder / "second"
    made = [paydirt, "chain", "mine", "--data", first, "--bits", "1", "--count", str(BLOCKS - 1)]
    subprocess.run(made, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    second.mkdir()
    for file in first.iterdir():
        (second / file.name).write_bytes(file.read_bytes())
    nodes = [Node(paydirt, "--data", str(path)) for path in (first, second)]
    with running(nodes):
        idle = Node(paydirt, "--data", str(folder / "idle"), "--bits", "1")
        with running([idle]):
            idle_mib = idle.memory("VmHWM")
        begun = time.monotonic()
        peers = [part for node in nodes for part in ("--peer", node.address)]
        third = Node(paydirt, "--data", str(folder / "third"), "--bits", "1", *peers)
        with running([third]):
            before = time.monotonic()
            third.wait(lambda: third.length() >= BLOCKS, every=0.02)
            elapsed = time.monotonic() - begun
            say(
                part="sync",
                blocks=BLOCKS,
                elapsed_s=round(elapsed, 2),
                start_s=round(before - begun, 2),
                blocks_per_second=round(BLOCKS / elapsed),
                idle_mib=round(idle_mib, 1),
                most_mib=round(third.memory("VmHWM"), 1),
                over_idle_mib=round(third.memory("VmHWM") - idle_mib, 1),
                processor_s=round(third.processor_s(), 2),
                peers_processor_s=[round(node.processor_s(), 2) for node in nodes],
            )


class Poster:
    """One connection on which transfers are posted."""

    def __init__(self, port):
        self.stream = socket.create_connection(("127.0.0.1", port))
        self.stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.answers = self.stream.makefile("rb", buffering=1 << 16)

    def post(self, numbers):
        """Posts a transfer of each number, all at once, and reads the answers."""
        text = b""
        for number in numbers:
            body = b'{"sender":"alice","recipient":"bob","amount":%d}' % number
            head = b"POST /transactions/new HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            text += head + b"Content-Length: %d\r\n\r\n" % len(body) + body
        self.stream.sendall(text)
        for _ in numbers:
            status = self.answers.readline()
            assert b" 201 " in status, status
            length = 0
            while (line := self.answers.readline().strip()):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            self.answers.read(length)


def block(paydirt, folder):
    first = Node(paydirt, "--data", str(folder / "first"), "--bits", "1")
    second = Node(paydirt, "--data", str(folder / "second"), "--bits", "1", "--peer", first.address)
    with running([first, second]):
        second.wait(lambda: second.get("/peers")["peers"])
        tips = {}

        def hears(name):
            def heard(at, event, data):
                if event == "block":
                    tips.setdefault(json.loads(data)["hash"], {})[name] = at

            return heard

        first.events(hears("first"))
        second.events(hears("second"))
        poster = Poster(first.port)
        for number in range(ROUNDS):
            for begin in range(0, 1000, 100):
                poster.post(range(number * 1000 + begin + 1, number * 1000 + begin + 101))
            second.wait(lambda: second.get("/status")["pending"] == 1000)
            hash = first.get("/mine")["hash"]
            second.wait(lambda: "second" in tips.get(hash, {}), every=0.002)
        took = [(at["second"] - at["first"]) * 1000 for at in tips.values()]
        say(
            part="block",
            transfers=1000,
            rounds=len(took),
            p50_ms=round(share(took, 0.5), 2),
            p99_ms=round(share(took, 0.99), 2),
            most_ms=round(max(took), 2),
        )


def transfers(paydirt, folder):
    nodes = [Node(paydirt, "--memory", "--bits", "16")]
    for number in range(1, 5):
        nodes.append(Node(paydirt, "--memory", "--bits", "16", "--peer", nodes[number - 1].address))
    with running(nodes):
        for node in nodes:
            node.wait(lambda: len(node.get("/peers")["peers"]) >= 2)
        time.sleep(3)  # until messages to all have found their ways
        posted, reached = {}, [{} for _ in nodes]

        def hears(which):
            def heard(at, event, data):
                if event == "transaction":
                    reached[which].setdefault(json.loads(data)["amount"], at)

            return heard

        for number, node in enumerate(nodes):
            node.events(hears(number))
        connections, batch = 4, 25
        total = RATE * SECONDS
        begun = time.monotonic()

        def post(mine):
            poster = Poster(nodes[0].port)
            for begin in range(mine * batch, total, connections * batch):
                time.sleep(max(0, begun + begin / RATE - time.monotonic()))
                at = time.monotonic()
                numbers = range(begin + 1, begin + batch + 1)
                posted.update((number, at) for number in numbers)
                poster.post(numbers)

        threads = [threading.Thread(target=post, args=(number,)) for number in range(connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        posting_s = time.monotonic() - begun
        for node in nodes:
            node.wait(lambda: node.get("/status")["pending"] == total, every=0.1, most=60)
        time.sleep(1)
        last = [max(times[number] for times in reached) for number in posted if all(number in t for t in reached)]
        took = [at - posted[number] for number, at in zip(
            [number for number in posted if all(number in t for t in reached)], last)]
        say(
            part="transfers",
            posted=total,
            posted_per_second=round(total / posting_s),
            heard_of_by_all=len(took),
            p50_ms=round(share(took, 0.5) * 1000),
            p99_ms=round(share(took, 0.99) * 1000),
            most_ms=round(max(took) * 1000),
            processor_s=[round(node.processor_s(), 2) for node in nodes],
        )


def idle(paydirt, folder):
    first = Node(paydirt, "--data", str(folder / "first"), "--bits", "8")
    others = [Node(paydirt, "--memory", "--bits", "8", "--peer", first.address) for _ in range(8)]
    with running([first, *others]):
        first.wait(lambda: len(first.get("/peers")["peers"]) >= 8)
        time.sleep(5)
        before, begun = first.processor_s(), time.monotonic()
        time.sleep(30)
        used, passed = first.processor_s() - before, time.monotonic() - begun
        say(
            part="idle",
            peers=len(first.get("/peers")["peers"]),
            seconds=round(passed, 1),
            percent_of_a_core=round(100 * used / passed, 2),
            mib=round(first.memory("VmRSS"), 1),
        )


PARTS = {"sync": sync, "block": block, "transfers": transfers, "idle": idle}


def main():
    arguments = sys.argv[1:]
    if arguments and arguments[0] in ("-h", "--help"):
        print(__doc__.strip())
        return
    paydirt = str(ROOT / "target/release/paydirt")
    if arguments and arguments[0] not in PARTS:
        paydirt = arguments.pop(0)
    for name in arguments or PARTS:
        if name not in PARTS:
            sys.exit(f"error: there is no part {name}; there are {', '.join(PARTS)}")
        with tempfile.TemporaryDirectory() as folder:
            PARTS[name](paydirt, pathlib.Path(folder))


if __name__ == "__main__":
    main()
