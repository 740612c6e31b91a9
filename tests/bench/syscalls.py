#!/usr/bin/python3
"""System calls per proxied request at full speed, by perf's tracepoints (or strace -c where those are not to be had).

    GW_BUILD=build tests/bench/syscalls.py gwctl nginx haproxy
"""
import argparse
import os
import re
import signal
import subprocess
import time

import bench
import instructions
import rig

CALLS = ["recvfrom", "sendto", "recvmsg", "sendmsg", "read", "write", "readv", "writev", "epoll_wait", "epoll_ctl",
         "getsockopt", "setsockopt", "accept4", "connect", "close", "futex"]


def by_perf(pids, load):
    events = ["raw_syscalls:sys_enter"] + [f"syscalls:sys_enter_{c}" for c in CALLS]
    process = subprocess.Popen(["perf", "stat", "-x", ";", "-e", ",".join(events), "-p", ",".join(map(str, pids))],
                               stderr=subprocess.PIPE, text=True)
    time.sleep(1)
    load()
    process.send_signal(signal.SIGINT)
    counts = {}
    for line in process.communicate()[1].splitlines():
        fields = line.split(";")
        if len(fields) > 2 and fields[0].isdigit():
            counts[fields[2].rpartition("sys_enter")[2].lstrip("_") or "all"] = int(fields[0])
    return counts


def by_strace(pids, load):
    command = ["strace", "-c", "-f", "-q"]
    for pid in pids:
        command += ["-p", str(pid)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    time.sleep(1)
    load()
    process.send_signal(signal.SIGINT)
    counts = {}
    for line in process.communicate()[1].splitlines():
        found = re.match(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", line)
        if found:
            counts[found.group(2).replace("total", "all")] = int(found.group(1))
    return counts


def per_request(name, path="/s", connections=64, seconds=3, tool="perf"):
    """Calls per request by name; "all" is their sum."""
    upstream = rig.Upstream()
    target = rig.TARGETS[name](upstream.port).start()
    requests = 0

    def load():
        nonlocal requests
        text, _ = bench.run_wrk(target.port, path, connections, seconds, [])
        requests = int(re.search(r"(\d+) requests in", text).group(1))

    try:
        bench.run_wrk(target.port, path, connections, 1, [])
        counts = (by_perf if tool == "perf" else by_strace)(target.pids, load)
        return {call: n / requests for call, n in counts.items()}
    finally:
        target.close()
        upstream.stop()


def in_lockstep(name, path="/s"):
    """The same from two runs of fixed numbers of requests: exact, but for epoll_wait, which depends on who is faster."""
    upstream = rig.Upstream(cpu=None)
    target = rig.TARGETS[name](upstream.port).start(cpu=None)
    few, many = instructions.FEW, instructions.MANY
    try:
        instructions.lock(target.port, path, few)
        first, second = (by_strace(target.pids, lambda: instructions.lock(target.port, path, n)) for n in (few, many))
        return {call: (second.get(call, 0) - first.get(call, 0)) / (many - few) for call in first.keys() | second.keys()}
    finally:
        target.close()
        upstream.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", default=["gwctl"], help=", ".join(rig.TARGETS))
    parser.add_argument("--path", default="/s")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--strace", action="store_true")
    options = parser.parse_args()
    rig.own_network()
    tool = "strace" if options.strace or os.geteuid() != 0 else "perf"
    print(rig.describe_build() + "\n")
    print("| proxy | system calls per request | of which |\n|---|---|---|")
    for name in options.targets:
        counts = per_request(name, options.path, options.connections, tool=tool)
        rest = ", ".join(f"{n:.3f} {c}" for c, n in sorted(counts.items(), key=lambda x: -x[1])
                         if c != "all" and n >= 0.0005)
        print(f"| {name} | {counts['all']:.2f} | {rest} |", flush=True)


if __name__ == "__main__":
    main()
