"""What probe.ts is, for Python: the levels that Python has, by the same orders."""

import hashlib
import json
import os
import sys
import threading
import time


def repeat(for_ms, once):
    once()
    started_at = time.perf_counter()
    times = 0
    took = 0.0
    while took * 1000 < for_ms:
        once()
        times += 1
        took = time.perf_counter() - started_at
    return times / took


def start_thread():
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()


def hash_for(for_ms):
    data = os.urandom(1024 * 1024)
    return repeat(for_ms, lambda: hashlib.sha512(data).digest())


def hash_in_thread(for_ms):
    rates = []
    thread = threading.Thread(target=lambda: rates.append(hash_for(for_ms)))
    thread.start()
    thread.join()
    return rates[0]


ORDERS = {
    "start-threads": lambda for_ms: repeat(for_ms, start_thread),
    "hash": hash_for,
    "hash-in-thread": hash_in_thread,
}

print("{}", flush=True)
for line in sys.stdin:
    order = json.loads(line)
    print(json.dumps({"perSecond": ORDERS[order["do"]](order["forMs"])}), flush=True)
