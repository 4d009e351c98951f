#!/usr/bin/env python3
"""What strangers can do to a node, against 127.0.0.1 only: figures, one line each.

    scripts/attack-node.py [PART…]       PART: leave bodies 413 silent slow routes work [default: all]

Needs a build of the program: PAYDIRT names one [default: target/release/paydirt]. Exits with 1 where a figure is not what is
promised in docs/threats.md, but for times, which say as much about the machine: they are printed, with processor time.
"""

import http.client
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

PROGRAM = os.environ.get("PAYDIRT", "target/release/paydirt")
HEAD = "Host: localhost\r\n"
MIB = 1 << 20
failed = []


def check(holds, what):
    print(what + ("" if holds else "   <-- NOT WHAT IS PROMISED"), flush=True)
    if not holds:
        failed.append(what)


class Node:
    def __init__(self, *options):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        args = [PROGRAM, "serve", "--memory", "--log", "off", "--port", str(self.port), *options]
        self.process = subprocess.Popen(args)
        for _ in range(3000):
            try:
                self.get("/status")
                return
            except OSError:
                time.sleep(0.02)
        sys.exit("the node did not start")

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port))

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def get(self, path):
        with urllib.request.urlopen(self.url(path)) as answer:
            return json.load(answer) if path != "/metrics" else answer.read()

    def post(self, path, body):
        try:
            with urllib.request.urlopen(urllib.request.Request(self.url(path), body, method="POST")) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def memory(self, name):
        with open(f"/proc/{self.process.pid}/status") as lines:
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))

    def forget_peak(self):
        with open(f"/proc/{self.process.pid}/clear_refs", "w") as file:
            file.write("5")

    def cpu_s(self):
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def repeated(before, piece, after, size):
    count = (size - len(before) - len(after)) // len(piece)
    return before + piece * (count - 1) + piece.rstrip(b",") + after


def leave():
    """100 bodies of 16 MiB, eight at a time, from clients that leave when all is sent."""
    body = repeated(b"[", b'{"":0},', b"]", 16 * MIB)
    with Node("--bits", "1") as node:
        idle = node.memory("VmRSS")

        def send(count):
            for _ in range(count):
                stream = node.connect()
                try:
                    stream.sendall(f"POST /blocks HTTP/1.1\r\n{HEAD}Content-Length: {len(body)}\r\n\r\n".encode())
                    stream.sendall(body)
                except OSError:
                    pass  # refused meanwhile
                stream.close()

        threads = [threading.Thread(target=send, args=(count,)) for count in [13] * 4 + [12] * 4]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        time.sleep(1)
        over = node.memory("VmHWM") - idle
        node.get("/status")
        check(over < 256 * MIB, f"leave: 100 bodies of 16 MiB from clients that leave: {over / MIB:.0f} MiB over idle at most (256)")


def bodies():
    """One body of 16 MiB of each kind: what the node takes for it, the text among it."""
    size = 16 * MIB
    kinds = {
        "a list of small objects": repeated(b"[", b'{"":0},', b"]", size),
        "transactions that are none": repeated(b'{"transactions":[', b'{"":0},', b"]}", size),
        "nesting": b"[" * (size // 2) + b"]" * (size // 2),
        "nesting in a field": b'{"index":' + b"[" * (size // 2 - 8) + b"]" * (size // 2 - 8) + b"}",
        "a long string": b'{"sender":"' + b"a" * (size - 20) + b'"}',
        "a long string of escapes": b'{"index":1,"x":"' + b"\\n" * (size // 2 - 20) + b'"}',
        "a long number": b'{"x":1' + b"0" * (size - 20) + b"}",
        "many unknown fields": b"{" + b",".join(b'"%07d":0' % n for n in range(size // 12)) + b"}",
    }
    for name, body in kinds.items():
        with Node("--bits", "1") as node:
            idle = node.memory("VmRSS")
            status, _ = node.post("/blocks", body)
            over = node.memory("VmHWM") - idle
            check(
                status == 400 and over < 4 * len(body),
                f"bodies: {name}: {over / MIB:.0f} MiB over idle, {over / len(body):.1f} times its text (4)",
            )


def too_large():
    """Clients that send all of a body before they read."""
    with Node("--bits", "1") as node:
        for size in (5_000_000, 50_000_000):
            body = b"x" * size
            seen = {}
            for n in range(100):
                path = ["/transactions/new", "/blocks", "/work", "/mine"][n % 4]
                if path == "/blocks" and size < 16 * MIB:
                    path = "/work"
                try:
                    status = node.post(path, body)[0]
                except OSError as error:
                    status = str(error)
                seen[status] = seen.get(status, 0) + 1
            check(seen == {413: 100}, f"413: 100 urllib clients at {size / 1e6:.0f} MB saw {seen}")


def silent():
    """Clients that half-close at once, as nc -N does."""
    with Node("--bits", "22") as node:
        for path in ("/status", "/chain", "/mine", "/mine", "/mine"):
            begun, whole = time.time(), True
            for _ in range(1 if path == "/mine" else 200):
                with node.connect() as stream:
                    stream.sendall(f"GET {path} HTTP/1.1\r\n{HEAD}\r\n".encode())
                    stream.shutdown(socket.SHUT_WR)
                    answer = b""
                    while piece := stream.recv(65536):
                        answer += piece
                    whole &= answer.startswith(b"HTTP/1.1 200 OK\r\n") and answer.endswith((b"}", b"}\r\n0\r\n\r\n"))
            check(whole, f"silent: GET {path} half-closed: whole answers, {time.time() - begun:.1f} s")


def slow():
    """1,100 connections that say nothing, half a head, half a body, or do not read."""
    with Node("--bits", "1") as node:
        large = b"GET /openapi.json HTTP/1.1\r\n" + HEAD.encode() + b"\r\n"
        kinds = {
            "silent": b"",
            "half a head": b"GET /status HTTP/1.1\r\nHost: loc",
            "half a body": b"POST /blocks HTTP/1.1\r\n" + HEAD.encode() + b"Content-Length: 100000\r\n\r\n{",
            "not reading": large * 200,
        }
        for name, sent in kinds.items():
            streams, worst = [], 0.0
            for n in range(1100):
                stream = node.connect()
                stream.setblocking(False)
                try:
                    stream.send(sent)
                except OSError:
                    pass
                streams.append(stream)
                if n > 1000:
                    begun = time.time()
                    node.get("/status")
                    worst = max(worst, time.time() - begun)
            begun = time.time()
            node.get("/status")
            worst = max(worst, time.time() - begun)
            check(worst < 5, f"slow: 1,100 connections, {name}: another's /status took {worst * 1e3:.0f} ms at most")
            for stream in streams:
                stream.close()


LOAD = """
import selectors, socket, sys, time
port, connections, seconds, request = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.stdin.buffer.read()
poll = selectors.DefaultSelector()
state = {}
def open_one():
    s = socket.create_connection(("127.0.0.1", port)); s.setblocking(False)
    state[s] = [b"", None]; poll.register(s, selectors.EVENT_READ); send(s)
def send(s):
    state[s] = [b"", None]
    try: s.send(request)
    except OSError: again(s)
def again(s):
    poll.unregister(s); del state[s]; s.close(); open_one()
for _ in range(connections): open_one()
done, end = 0, time.time() + seconds
while time.time() < end:
    for key, _ in poll.select(0.1):
        s = key.fileobj
        try: piece = s.recv(262144)
        except BlockingIOError: continue
        except OSError: piece = b""
        if not piece:
            again(s); continue
        text, left = state[s]
        if left is None:
            text += piece
            at = text.find(b"\\r\\n\\r\\n")
            if at < 0: state[s][0] = text; continue
            head = text[:at].lower(); rest = text[at + 4:]
            if b"content-length: " in head:
                left = int(head.split(b"content-length: ")[1].split(b"\\r\\n")[0]) - len(rest)
            else:
                left, piece = "chunked", rest
        elif left != "chunked":
            left -= len(piece)
        if left == "chunked":
            if piece.endswith(b"0\\r\\n\\r\\n"): left = 0
        state[s][1] = left
        if left == 0:
            done += 1; send(s)
print(done)
"""


def routes():
    """512 connections on one route; /status as another client sees it meanwhile."""
    get = lambda path: f"GET {path} HTTP/1.1\r\n{HEAD}\r\n".encode()
    post = lambda path, body: (f"POST {path} HTTP/1.1\r\n{HEAD}Content-Length: {len(body)}\r\n\r\n" + body).encode()
    transfer = '{"sender":"alice","recipient":"bob","amount":%d}'
    with Node("--bits", "8", "--max-pending", "1000000") as node:
        one = http.client.HTTPConnection("127.0.0.1", node.port)
        ids = []
        for n in range(20_000):
            one.request("POST", "/transactions/new", transfer % (n + 1))
            ids.append(json.loads(one.getresponse().read())["id"])
        node.get("/mine")
        requests = {
            "nothing": None,
            "GET /": get("/"),
            "GET /status": get("/status"),
            "GET /metrics": get("/metrics"),
            "GET /openapi.json": get("/openapi.json"),
            "GET /explorer": get("/explorer"),
            "GET /transactions/pending?from=9000": get("/transactions/pending?from=9000"),
            "GET /transactions/pending?from=9000&limit=1": get("/transactions/pending?from=9000&limit=1"),
            "GET /transactions/ID": get("/transactions/" + ids[5]),
            "GET /blocks/1": get("/blocks/1"),
            "GET /blocks/2 (10,000 transfers)": get("/blocks/2"),
            "GET /chain": get("/chain"),
            "GET /work": get("/work"),
            "POST /work (a wrong nonce)": None,
            "POST /blocks (no block)": post("/blocks", '{"index":2}'),
            "POST /transactions/new": post("/transactions/new", transfer % 1),
            "GET /mine": get("/mine"),
            "GET /nothing": get("/nothing"),
        }
        print("| 512 connections on | calls/s | node's processor time a call | /status p50 | p99 | worst |")
        print("|---|---|---|---|---|---|")
        for name, request in requests.items():
            if name.startswith("POST /work"):
                request = post("/work", json.dumps({"id": node.get("/work")["id"], "nonce": 1}))
            seconds = float(os.environ.get("LOAD_SECONDS", "4"))
            load = None
            if request:
                args = [sys.executable, "-c", LOAD, str(node.port), "512", str(seconds + 1)]
                load = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                load.stdin.write(request)
                load.stdin.close()
            time.sleep(1)
            cpu, begun, times = node.cpu_s(), time.time(), []
            one = http.client.HTTPConnection("127.0.0.1", node.port)
            while time.time() < begun + seconds - 0.2:
                asked = time.perf_counter()
                one.request("GET", "/status")
                one.getresponse().read()
                times.append((time.perf_counter() - asked) * 1e3)
                time.sleep(0.005)
            cpu, took = node.cpu_s() - cpu, time.time() - begun
            done = int(load.stdout.read()) if load else 0
            if load:
                load.wait()
            times.sort()
            rate = done / (seconds + 1)
            a_call = f"{cpu / took / rate * 1e6:.0f} µs" if rate else "–"
            p99 = times[len(times) * 99 // 100]
            print(
                f"| {name} | {rate:.0f} | {a_call} | {times[len(times) // 2]:.2f} ms | {p99:.1f} ms | {times[-1]:.1f} ms |",
                flush=True,
            )


def work():
    """Blocks of 10,000 transfers with long names, each handed out by GET /work before it is mined."""
    with Node("--bits", "1", "--max-pending", "1000000") as node:
        one = http.client.HTTPConnection("127.0.0.1", node.port)
        sizes = []
        for _ in range(12):
            for n in range(6000):
                body = '{"sender":"%s","recipient":"%s","amount":%d}' % ("s" * 150, "r" * 150, n + 1)
                one.request("POST", "/transactions/new", body)
                one.getresponse().read()
            node.get("/work")
            node.get("/mine")
            sizes.append(node.memory("VmRSS") / MIB)
        check(True, "work: MiB resident after each of 12 blocks handed out and mined (the chain itself is in memory): "
              + " ".join(f"{size:.0f}" for size in sizes))


PARTS = {"leave": leave, "bodies": bodies, "413": too_large, "silent": silent, "slow": slow, "routes": routes, "work": work}

if __name__ == "__main__":
    chosen = sys.argv[1:] or PARTS
    if unknown := [part for part in chosen if part not in PARTS]:
        sys.exit(f"no part {unknown[0]}; there are {' '.join(PARTS)}")
    print(f"# {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} before it began")
    for part in chosen:
        PARTS[part]()
    sys.exit(1 if failed else 0)
