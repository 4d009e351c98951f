#!/usr/bin/env python3
"""What clients that take their time do to the ledger's file, against 127.0.0.1 only, in about a minute.

    scripts/slow-readers.py [PROGRAM] [SECONDS]     PROGRAM [target/release/paydirt], SECONDS of load [20]

In: a program. Out: a line a figure. A chain of 40,000 blocks is asked for by sixteen clients that take 4 kB a second of it;
meanwhile eight others send transfers. Exits with 1 if the file has then more than twice what it had, or if after a restart it is
larger than that.
"""
import http.client, json, os, pathlib, socket, subprocess, sys, tempfile, threading, time

program = sys.argv[1] if len(sys.argv) > 1 else "target/release/paydirt"
seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 20.0
port = int(os.environ.get("LOAD_PORT", "5098"))
folder = tempfile.TemporaryDirectory()
data = pathlib.Path(folder.name) / "ledger"
file = data / "ledger.redb"
subprocess.run([program, "chain", "mine", "--count", "40000", "--bits", "1", "--spacing", "60", "--data", data, "--json"], check=True, stdout=subprocess.DEVNULL)


def start():
    server = subprocess.Popen([program, "serve", "--data", data, "--port", str(port), "--log", "off", "--max-pending", "10000000"])
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port)
            connection.request("GET", "/status")
            connection.getresponse().read()
            return server
        except OSError:
            time.sleep(0.05)


def stop(server):
    server.terminate()
    assert server.wait() == 0


done = threading.Event()
sent = [0] * 8


def read_slowly():
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", port))
    client.sendall(b"GET /chain HTTP/1.1\r\nhost: localhost\r\n\r\n")
    while not done.is_set() and client.recv(800):
        time.sleep(0.2)


def send(number):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    while not done.is_set():
        body = json.dumps({"sender": f"client {number}", "recipient": "bob", "amount": sent[number] + 1})
        connection.request("POST", "/transactions/new", body, {"content-type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 201, answer.status
        sent[number] += 1


server = start()
before = file.stat().st_size
threads = [threading.Thread(target=read_slowly) for _ in range(16)]
threads += [threading.Thread(target=send, args=(number,)) for number in range(8)]
for thread in threads:
    thread.start()
peak, end = before, time.monotonic() + seconds
while time.monotonic() < end:
    time.sleep(0.1)
    peak = max(peak, file.stat().st_size)
done.set()
for thread in threads:
    thread.join()
stop(server)
stop(start())
after = file.stat().st_size
print(f"{sum(sent)} transfers beside 16 slow readers: {before / 1e6:.1f} MB became {peak / 1e6:.1f} MB, after a restart {after / 1e6:.1f} MB")
sys.exit(0 if peak <= 2 * before + 200 * sum(sent) and after <= 2 * before + 200 * sum(sent) else 1)
