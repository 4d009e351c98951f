#!/usr/bin/env python3
"""Drives `paydirt work` with nothing but the standard library.

    python3 examples/drive.py [path of paydirt]

One worker process takes any number of jobs. `Paydirt` below is all a program needs: a thread reads the answers and
hands each to whoever waits for it, so jobs can be sent, awaited and cancelled from anywhere.
"""

import hashlib
import itertools
import json
import subprocess
import sys
import threading
from concurrent.futures import Future


class Paydirt:
    """A `paydirt work` process and the jobs that it has."""

    def __init__(self, program="paydirt", *options):
        self.process = subprocess.Popen(
            [program, "work", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            bufsize=1,
        )
        self.numbers = itertools.count()
        self.waiting = {}
        self.on_progress = {}
        self.lock = threading.Lock()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def mine(self, puzzle, goal=None, search=None, progress=None, **more):
        """Sends a job; returns a Future of its result. `progress` is (seconds, function)."""
        job = {"id": next(self.numbers), "puzzle": puzzle, **more}
        if goal is not None:
            job["goal"] = goal
        if search is not None:
            job["search"] = search
        if progress is not None:
            job["progress"], self.on_progress[job["id"]] = progress
        future = Future()
        future.id = job["id"]
        self.waiting[job["id"]] = future
        self._send(job)
        return future

    def cancel(self, future):
        """Asks for the end of a job. Its result still comes, with status interrupted (or found, if it was quicker)."""
        self._send({"cancel": future.id})

    def close(self):
        """Ends the input; the worker finishes what is queued and exits. Returns its exit code."""
        self.process.stdin.close()
        self.reader.join()
        return self.process.wait()

    def _send(self, request):
        with self.lock:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()

    def _read(self):
        for line in self.process.stdout:
            answer = json.loads(line)
            kind, job = answer["type"], answer.get("id")
            if kind == "result":
                self.on_progress.pop(job, None)
                self.waiting.pop(job).set_result(answer)
            elif kind == "progress" and job in self.on_progress:
                self.on_progress[job](answer)
            elif kind in ("error", "busy") and job in self.waiting:
                self.waiting.pop(job).set_exception(ValueError(answer["message"]))
        for future in self.waiting.values():
            future.set_exception(EOFError("the worker has ended"))


def main():
    worker = Paydirt(*sys.argv[1:2])

    # The proofs of the teaching chain, each of which is found after the one before.
    proof = 100
    for expected in (35293, 35089, 119678):
        result = worker.mine({"text": str(proof)}, {"hex_zeros": 4}).result()
        assert hashlib.sha256(f"{proof}{result['nonce']}".encode()).hexdigest() == result["hash"]
        assert result["nonce"] == expected, result
        print(f"proof after {proof}: {result['nonce']}")
        proof = result["nonce"]

    # A thousand jobs at once: they are mined one after the other, each with every thread.
    futures = [worker.mine({"template": f"note {n} {{nonce}}!"}, {"bits": 10}) for n in range(1000)]
    hashes = sum(future.result()["hashes"] for future in futures)
    print(f"1000 notes of 10 bits: {hashes} hashes")

    # A job that nobody will live to see solved: it says how far it is, and is cancelled.
    seen = threading.Event()
    endless = worker.mine({"text": "x"}, {"bits": 200}, progress=(0.05, lambda _: seen.set()))
    assert seen.wait(60), "progress comes twenty times a second"
    worker.cancel(endless)
    result = endless.result()
    assert result["status"] == "interrupted", result
    print(f"cancelled after {result['hashes']} hashes")

    # What will not do is an exception that says why.
    try:
        worker.mine({"text": "x"}, {"bits": "many"}).result()
        raise SystemExit("a job that makes no sense was taken")
    except ValueError as problem:
        print(f"refused: {problem}")

    code = worker.close()
    assert code == 0, code


if __name__ == "__main__":
    main()
