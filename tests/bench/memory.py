#!/usr/bin/python3
"""Memory of a running gateway: with 256 busy connections, during 100 MB either way, per idle connection.

    GW_BUILD=build tests/bench/memory.py gwctl nginx haproxy
"""
import argparse
import socket
import subprocess
import sys
import threading
import time

import rig

LARGE = 100 * 1000 * 1000


class Peak:
    """Watches the highest memory figure of processes while a block runs."""

    def __init__(self, pids, key):
        self.pids, self.key, self.done = pids, key, threading.Event()

    def __enter__(self):
        self.start = self.peak = rig.memory_kib(self.pids, self.key)
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def watch(self):
        while not self.done.wait(0.01):
            self.peak = max(self.peak, rig.memory_kib(self.pids, self.key))

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()
        self.peak = max(self.peak, rig.memory_kib(self.pids, self.key))


def busy_kib(target, connections=256, path="/s", seconds=3):
    """Peak RssAnon with so many connections at work."""
    with Peak(target.pids, "RssAnon") as peak:
        subprocess.run(rig.pinned(rig.LOAD_CPU, ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s",
                                                 f"http://127.0.0.1:{target.port}{path}"]),
                       stdout=subprocess.DEVNULL, check=True)
    return peak.peak


def exchange(target, head, body_bytes=0):
    """One request; returns the bytes of the answer's body."""
    with socket.create_connection(("127.0.0.1", target.port), 30) as s:
        s.sendall(head.encode())
        block = bytes(65536)
        while body_bytes:
            part = min(body_bytes, len(block))
            s.sendall(block[:part])
            body_bytes -= part
        data = b""
        while b"\r\n\r\n" not in data:
            part = s.recv(65536)
            if not part:
                raise RuntimeError("the answer was cut in its head")
            data += part
        head, _, rest = data.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"not 200: {head!r}")
        got = len(rest)
        buffer = bytearray(1 << 20)
        while True:
            part = s.recv_into(buffer)
            if not part:
                return got
            got += part


def download_kib(target, size=LARGE):
    """Growth of RSS during a download of so many bytes."""
    exchange(target, "GET /bytes/1000000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    with Peak(target.pids, "VmRSS") as peak:
        got = exchange(target, f"GET /bytes/{size} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert got == size, f"{got} of {size} bytes came"
    return peak.peak - peak.start


def upload_kib(target, size=LARGE):
    """Growth of RSS during an upload of so many bytes."""
    head = "POST /sink HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n"
    exchange(target, head.format(1000000), 1000000)
    with Peak(target.pids, "VmRSS") as peak:
        exchange(target, head.format(size), size)
    return peak.peak - peak.start


def idle(target, connections):
    """With so many kept, idle connections that have served one request each: bytes that RssAnon has grown by, for
    each, and all of RSS in KiB."""
    sockets = []
    try:
        before = rig.memory_kib(target.pids)
        for _ in range(connections):
            s = socket.create_connection(("127.0.0.1", target.port), 10)
            s.sendall(b"GET /s HTTP/1.1\r\nHost: x\r\n\r\n")
            got = b""
            while len(got) < 512 or got.index(b"\r\n\r\n") + 4 + 512 > len(got):
                got += s.recv(4096)
            sockets.append(s)
        time.sleep(0.2)
        return (rig.memory_kib(target.pids) - before) * 1024 / connections, rig.memory_kib(target.pids, "VmRSS")
    finally:
        for s in sockets:
            s.close()


def all_figures(name, connections):
    upstream = rig.Upstream()
    target = rig.TARGETS[name](upstream.port).start()
    try:
        fresh = rig.memory_kib(target.pids)
        figures = [fresh, busy_kib(target), download_kib(target), upload_kib(target)]
        target.stop()
        target.port = rig.free_port()
        return [*figures, *idle(target.start(), connections)]  # from a fresh process, which has no free memory to reuse
    finally:
        target.close()
        upstream.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", default=["gwctl"], help=", ".join(rig.TARGETS))
    parser.add_argument("--idle", type=int, default=10000, metavar="N", help="connections, as far as the limit allows")
    options = parser.parse_args()
    rig.own_network()
    connections = min(options.idle, rig.raise_descriptor_limit() - 500)
    print(rig.describe_build() + "\n")
    print("| proxy | RssAnon fresh | with 256 busy connections | RSS growth, 100 MB down | 100 MB up | bytes an idle "
          f"connection | RSS with {connections:,} |\n|---|---|---|---|---|---|---|")
    for name in options.targets:
        fresh, busy, down, up, each, total = all_figures(name, connections)
        print(f"| {name} | {fresh:,} KiB | {busy:,} KiB | {down:,} KiB | {up:,} KiB | {each:,.0f} | {total:,} KiB |",
              flush=True)


if __name__ == "__main__":
    sys.exit(main())
