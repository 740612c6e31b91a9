#!/usr/bin/python3
"""User-space instructions and heap calls per proxied request, by callgrind: the same on every machine and under any
load.

A target runs under valgrind twice, with different numbers of requests from 16 connections in lockstep; the
difference of the counts, divided by that of the requests, leaves start-up and warm-up out.

    GW_BUILD=build tests/bench/instructions.py gwctl gwctl-log gwctl-json nginx haproxy
    GW_BUILD=build tests/bench/instructions.py --workers 2 gwctl
"""
import argparse
import collections
import glob
import os
import re
import signal
import subprocess

import rig

CONNECTIONS, FEW, MANY = 16, 320, 1920
HEAP = {"malloc", "calloc", "realloc", "free", "aligned_alloc", "posix_memalign"}

Cost = collections.namedtuple("Cost", "instructions heap_calls")


def read(path):
    """The counts of a callgrind file. A function is "(number) name" where it comes first, then "(number)"."""
    names, heap, total = {}, 0, 0
    called = None
    with open(path) as f:
        for line in f:
            found = re.match(r"c?fn=\((\d+)\)(?: (.*))?$", line)
            if found:
                names.setdefault(found[1], found[2])
                called = names[found[1]]
            elif line.startswith("calls=") and called in HEAP:
                heap += int(line[6:].split()[0])
            elif line.startswith(("summary: ", "totals: ")):
                total = int(line.split()[1])
    if not heap:
        raise RuntimeError("no heap call was seen, not even at the start: does the allocator have other names?")
    return Cost(total, heap)


def lock(port, path, requests, headers=()):
    """So many requests over connections in lockstep."""
    subprocess.run([rig.program("lock"), str(port), path, str(CONNECTIONS), str(requests), *headers], check=True,
                   timeout=300)


def count(target, requests, headers, path):
    """The counts of one run of the target that served so many requests."""
    base = os.path.join(target.folder, "callgrind.out")
    for old in glob.glob(base + "*"):
        os.unlink(old)
    target.start(cpu=None, single=True, wrap=["valgrind", "--tool=callgrind", f"--callgrind-out-file={base}"])
    try:
        lock(target.port, path, requests, headers)
    finally:
        target.stop(signal.SIGTERM)
    return read(base)


def slope(target, headers, path):
    """Cost of a request: the difference of two runs."""
    few = count(target, FEW, headers, path)
    target.port = rig.free_port()
    many = count(target, MANY, headers, path)
    return Cost(*((b - a) / (MANY - FEW) for a, b in zip(few, many)))


def per_request(name, headers=(), path="/s", workers=1):
    """Cost of a request of a target; headers: what is sent besides Host. The peers always have one worker."""
    upstream = rig.Upstream(cpu=None)
    target = rig.TARGETS[name](upstream.port)
    target.workers = workers
    try:
        return slope(target, headers, path)
    finally:
        target.close()
        upstream.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", default=["gwctl"], help=", ".join(rig.TARGETS))
    parser.add_argument("--path", default="/s")
    parser.add_argument("--workers", type=int, default=1, help="of the gateway")
    options = parser.parse_args()
    rig.own_network()
    print(f"{rig.describe_build()}; workers: {options.workers}\n")
    print("| proxy | instructions, 1 header | 9 headers | heap calls |\n|---|---|---|---|")
    for name in options.targets:
        one, nine = (per_request(name, h, options.path, options.workers) for h in ([], rig.HEADERS_9))
        print(f"| {name} | {one.instructions:,.0f} | {nine.instructions:,.0f} | {one.heap_calls:.2f} |", flush=True)


if __name__ == "__main__":
    main()
