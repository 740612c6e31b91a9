#!/usr/bin/python3
"""User-space instructions per proxied request, by callgrind: the same on every machine and under any load.

A target runs under valgrind twice, with different numbers of requests from 16 connections in lockstep; the
difference of the instruction counts, divided by that of the requests, leaves start-up and warm-up out.

    GW_BUILD=build tests/bench/instructions.py gwctl nginx haproxy
"""
import argparse
import glob
import os
import re
import signal
import subprocess

import rig

CONNECTIONS, FEW, MANY = 16, 320, 1920


def count(target, requests, headers, path):
    """Instructions of one run of the target that served so many requests."""
    base = os.path.join(target.folder, "callgrind.out")
    for old in glob.glob(base + "*"):
        os.unlink(old)
    target.start(cpu=None, single=True, wrap=["valgrind", "--tool=callgrind", f"--callgrind-out-file={base}"])
    try:
        subprocess.run([rig.program("lock"), str(target.port), path, str(CONNECTIONS), str(requests), *headers],
                       check=True, timeout=300)
    finally:
        target.stop(signal.SIGTERM)
    with open(base) as f:
        return int(re.search(r"^(?:summary|totals): (\d+)", f.read(), re.M).group(1))


def slope(target, headers, path):
    """Instructions per request: the difference of two runs."""
    few = count(target, FEW, headers, path)
    target.port = rig.free_port()
    return (count(target, MANY, headers, path) - few) / (MANY - FEW)


def per_request(name, headers=(), path="/s"):
    """Instructions per request of a target; headers: what is sent besides Host."""
    upstream = rig.Upstream(cpu=None)
    target = rig.TARGETS[name](upstream.port)
    try:
        return slope(target, headers, path)
    finally:
        target.close()
        upstream.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", default=["gwctl"], help=", ".join(rig.TARGETS))
    parser.add_argument("--path", default="/s")
    options = parser.parse_args()
    rig.own_network()
    print("| proxy | instructions, 1 header | 9 headers |\n|---|---|---|")
    for name in options.targets:
        one, nine = (per_request(name, h, options.path) for h in ([], rig.HEADERS_9))
        print(f"| {name} | {one:,.0f} | {nine:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
