#!/usr/bin/python3
"""Gateway, nginx and HAProxy side by side: CPU-µs per proxied request, throughput and latency.

One worker each, pinned to CPU 1; load (wrk) and upstream on CPU 0. All run in one go, in interleaved rounds, and
are started anew for every round. Only ratios within one run are meant: of the minima, of the medians, and the
median of the ratios of the same round. A sample is taken when the machine is quiet; one during which others used
more than 0.3 of a core, or at a fixed rate the host took CPU time from this machine, is taken again, twice at most,
then marked. A proxy core with more than 5 % idle means that the load was the limit, so req/s then says nothing about
the proxy. Ended by SIGTERM or SIGINT it prints what it has; a cell that some target was not measured in is left out.

Needs the Debian packages nginx-light, haproxy, wrk and nghttp2-client (the others of this folder: valgrind, linux-perf
or strace).

    GW_BUILD=build tests/bench/bench.py --rounds 5 --seconds 4 --cells /s:64,/m:64,/l:64 nginx haproxy gwctl
"""
import argparse
import collections
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import rig


RATE = 20000  # a second
MOST_STOLEN = 0.05  # of a core, by the host, at a fixed rate: what it takes comes in pieces as long as a p99
UPLOAD = 'wrk.method = "POST"; wrk.body = string.rep("x", 100 * 1024)'
ALL_CELLS = ("/s:64,/s:256,/m:64,/m:256,/s:64:nine,/l:64,/l:256,/sink:64:upload,/s:64:new,/s:64:rate,"
             "/s:1,/s:1000,/s:9000")

Cell = collections.namedtuple("Cell", "path connections kind")
Kind = collections.namedtuple("Kind", "text headers script load")


def busy():
    """Busy time of all CPUs so far, in seconds, idle time of the proxy's, and what the host took from all."""
    out = []
    with open("/proc/stat") as f:
        for line in f:
            if re.match(r"cpu\d", line):
                v = [int(x) for x in line.split()[1:9]]
                out.append((sum(v) - v[3] - v[4], v[3] + v[4], v[7]))
    hertz = os.sysconf("SC_CLK_TCK")
    idle = out[min(rig.PROXY_CPU, len(out) - 1)][1]
    return sum(b for b, _, _ in out) / hertz, idle / hertz, sum(s for _, _, s in out) / hertz


def wait_quiet(limit, seconds):
    """Waits until the machine uses less than `limit` cores for half a second; false when it does not."""
    end = time.monotonic() + seconds
    while True:
        before, start = busy()[0], time.monotonic()
        time.sleep(0.5)
        if (busy()[0] - before) / (time.monotonic() - start) < limit:
            return True
        if time.monotonic() > end:
            return False


def run_wrk(port, path, connections, seconds, headers, script=None):
    command = rig.pinned(rig.LOAD_CPU, ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"])
    for header in headers:
        command += ["-H", header]
    command += ["-s", script] if script else []
    process = subprocess.Popen([*command, f"http://127.0.0.1:{port}{path}"], stdout=subprocess.PIPE, text=True)
    text = process.stdout.read()
    usage = os.wait4(process.pid, 0)[2]
    process.returncode = 0
    return text, usage.ru_utime + usage.ru_stime


def milliseconds(text):
    number, unit = re.match(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60000}[unit]


class Wrk:
    """As many requests as come back, while it runs."""

    def __init__(self, port, path, connections, seconds, headers, script=None):
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "10s"]
        for header in headers:
            command += ["-H", header]
        command += ["-s", script] if script else []
        self.path, self.output = path, tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(rig.pinned(rig.LOAD_CPU, [*command, f"http://127.0.0.1:{port}{path}"]),
                                        stdout=self.output)

    def figures(self, begin, end):
        """Of all requests, those before `begin` too."""
        self.output.seek(0)
        text = self.output.read()
        found = re.search(r"(\d+) requests in", text)
        bad = re.search(r"Non-2xx|Socket errors.*", text)
        if not found or int(found.group(1)) == 0 or bad:
            raise RuntimeError(f"{self.path}: {bad.group(0) if bad else 'no requests'}\n{text}")
        return {"requests": int(found.group(1)),
                "p50": milliseconds(re.search(r"(?m)^\s+50%\s+(\S+)", text).group(1)),
                "p99": milliseconds(re.search(r"(?m)^\s+99%\s+(\S+)", text).group(1))}


class Rate:
    """RATE requests a second, whether answers come or not. The times are those of h2load's log, all of them."""

    def __init__(self, port, path, connections, seconds, headers, script=None):
        self.path, self.log = path, tempfile.NamedTemporaryFile(mode="r")
        command = ["h2load", "--h1", "-t1", f"-c{connections}", f"-D{seconds}", f"--rps={RATE / connections}",
                   f"--log-file={self.log.name}"]
        for header in headers:
            command += ["-H", header]
        self.process = subprocess.Popen(rig.pinned(rig.LOAD_CPU, [*command, f"http://127.0.0.1:{port}{path}"]),
                                        stdout=subprocess.DEVNULL)

    def figures(self, begin, end):
        lines = [line.split() for line in self.log]
        bad = [line for line in lines if line[1] != "200"]
        times = sorted(int(line[2]) / 1000 for line in lines if begin * 1e6 <= int(line[0]) < end * 1e6)
        if bad or len(times) < 100:
            raise RuntimeError(f"{self.path}: {len(bad)} of {len(lines)} requests failed")
        return {"requests": len(times), "p50": times[len(times) // 2], "p99": times[len(times) * 99 // 100]}


KINDS = {
    "": Kind("", [], "", Wrk),
    "nine": Kind("", rig.HEADERS_9, "", Wrk),
    "upload": Kind(", 100 KB up", [], UPLOAD, Wrk),
    "new": Kind(", a new connection for each request", ["Connection: close"], "", Wrk),
    "rate": Kind(f", {RATE:,} a second", [], "", Rate),
}


class Moment:
    """What was used and served up to now."""

    def __init__(self, target, upstream, load, counts):
        self.user, self.system = rig.cpu_us(target.pids)
        self.others = sum(rig.cpu_us([*upstream.pids, load.process.pid]))
        self.busy, self.idle, self.stolen = busy()
        self.seconds = time.time()
        self.requests = upstream.requests() if counts else None
        self.rss, self.anon = rig.memory_kib(target.pids, "VmRSS"), rig.memory_kib(target.pids)


def sample(target, upstream, path, connections, seconds, headers, script=None, load=Wrk, warm=0):
    """Figures of the time behind the first `warm` seconds, in which connections are made; 0: of all, connecting included."""
    run = load(target.port, path, connections, seconds + warm + bool(warm), headers, script)
    time.sleep(warm)
    before = Moment(target, upstream, run, warm)
    if warm:
        time.sleep(seconds)
        after = Moment(target, upstream, run, True)
    os.waitid(os.P_PID, run.process.pid, os.WEXITED | os.WNOWAIT)  # a process that has not been waited for has its figures
    if not warm:
        after = Moment(target, upstream, run, False)
    run.process.wait()
    try:
        figures = run.figures(before.seconds, after.seconds)
    except RuntimeError as e:
        sys.exit(f"{target.name} {e}\n{target.log()[-2000:]}")
    took = after.seconds - before.seconds
    count = after.requests - before.requests if warm else figures["requests"]
    user, system = after.user - before.user, after.system - before.system
    foreign = after.busy - before.busy - (user + system + after.others - before.others) / 1e6
    return {
        "target": target.name, "path": path, "connections": connections, **figures, "requests": count,
        "rps": count / took, "us": (user + system) / count, "user_us": user / count, "system_us": system / count,
        "idle": (after.idle - before.idle) / took, "foreign": max(0.0, foreign / took),
        "stolen": (after.stolen - before.stolen) / took,
        "rss_mib": after.rss / 1024, "anon_mib": after.anon / 1024,
    }


def quiet_sample(target, upstream, cell, options):
    for attempt in range(3):
        waited = wait_quiet(options.quiet, options.patience)
        kind = KINDS[cell.kind]
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
            script.write(kind.script)
            script.flush()
            result = sample(target, upstream, cell.path, cell.connections, options.seconds,
                            options.header + kind.headers, script.name if kind.script else None, kind.load,
                            options.warm + cell.connections // 2000)
        result["kind"] = cell.kind
        result["noisy"] = result["foreign"] > 0.3 or (kind.load is Rate and result["stolen"] > MOST_STOLEN)
        if waited and not result["noisy"]:
            break
    return result


def measure(options, results):
    """Appends the samples to `results`."""
    upstream = rig.Upstream()
    try:
        for number in range(options.rounds):
            targets = [rig.TARGETS[name](upstream.port) for name in options.targets]
            try:
                for target in targets:
                    target.start()
                    run_wrk(target.port, "/s", 64, 1, [])
                for cell in options.cells:
                    shift = number % len(targets)
                    for target in targets[shift:] + targets[:shift]:
                        result = {"round": number, **quiet_sample(target, upstream, cell, options)}
                        results.append(result)
                        print(f"round {number} {target.name:8} {cell.path} {cell.connections:4} {cell.kind:6} "
                              f"{result['us']:7.2f} us  {result['rps']:8.0f}/s  idle {result['idle']:.0%}  "
                              f"p99 {result['p99']:.2f}  foreign {result['foreign']:.2f}  stolen {result['stolen']:.2f}",
                              file=sys.stderr, flush=True)
                        if options.jsonl:
                            with open(options.jsonl, "a") as f:
                                f.write(json.dumps(result) + "\n")
            finally:
                for target in targets:
                    target.close()
    finally:
        upstream.stop()


def rows_of(results, cell, name):
    return [r for r in results if (r["path"], r["connections"], r["kind"]) == cell and r["target"] == name]


def ratios(mine, others):
    """Ratio of minima, of medians, and the median of the same-round ratios."""
    by_round = {r["round"]: r["us"] for r in others}
    same = [r["us"] / by_round[r["round"]] for r in mine if r["round"] in by_round]
    a, b = [r["us"] for r in mine], [r["us"] for r in others]
    return min(a) / min(b), statistics.median(a) / statistics.median(b), statistics.median(same)


def table(results, options):
    peers = [p for p in ("nginx", "haproxy") if p in options.targets]
    median = lambda rows, key: statistics.median(r[key] for r in rows)
    out = []
    for cell in options.cells:
        if not all(rows_of(results, cell, name) for name in options.targets):
            continue
        kind = KINDS[cell.kind]
        headers = 1 + len(options.header) + len(kind.headers)
        out.append(f"**{cell.path}, {cell.connections} connections, {headers} request headers{kind.text}**\n")
        head = ["proxy", "req/s", "p50 ms", "p99 ms", *[f"p99 to {p}'s" for p in peers],
                "CPU µs/req min", "median", "user / sys",
                *[f"vs {p}: minima, medians, same round" for p in peers], "core idle", "foreign", "RSS MiB"]
        out += ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
        for name in options.targets:
            rows = rows_of(results, cell, name)
            against = [" / ".join(f"{x:.2f}" for x in ratios(rows, rows_of(results, cell, p))) for p in peers]
            p99 = [f"{median(rows, 'p99') / median(rows_of(results, cell, p), 'p99'):.2f}" for p in peers]
            noisy = sum(r["noisy"] for r in rows)
            out.append("| " + " | ".join([
                name, f"{median(rows, 'rps'):,.0f}", f"{median(rows, 'p50'):.2f}", f"{median(rows, 'p99'):.2f}", *p99,
                f"**{min(r['us'] for r in rows):.2f}**", f"{median(rows, 'us'):.2f}",
                f"{median(rows, 'user_us'):.2f} / {median(rows, 'system_us'):.2f}", *against,
                f"{median(rows, 'idle'):.0%}",
                f"{max(r['foreign'] for r in rows):.2f}" + (f" ({noisy} noisy)" if noisy else ""),
                f"{median(rows, 'rss_mib'):.1f}"]) + " |")
        out.append("")
    return "\n".join(out)


def cell_of(text):
    path, connections, kind = (text.split(":") + ["", ""])[:3]
    return Cell(path, int(connections or 64), kind)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", default=["nginx", "haproxy", "gwctl"], help=", ".join(rig.TARGETS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4, help="length of one sample")
    parser.add_argument("--warm", type=int, default=1,
                        help="seconds before each, and one more for each 2,000 connections (1)")
    parser.add_argument("--cells", default="/s:64,/m:64,/l:64",
                        help=f"path:connections:kind, with commas between; kinds: {', '.join(k for k in KINDS if k)}")
    parser.add_argument("--all", action="store_const", const=ALL_CELLS, dest="cells", help=f"the cells {ALL_CELLS}")
    parser.add_argument("--header", action="append", default=[], help="one more request header; may be repeated")
    parser.add_argument("--quiet", type=float, default=0.1, help="cores in use that count as quiet")
    parser.add_argument("--patience", type=float, default=30, help="seconds to wait for quiet")
    parser.add_argument("--jsonl", help="append every sample to this file")
    options = parser.parse_args()
    options.cells = [cell_of(c) for c in options.cells.split(",")]
    unknown = [t for t in options.targets if t not in rig.TARGETS]
    if unknown:
        parser.error(f"unknown target {unknown[0]}: {', '.join(rig.TARGETS)}")
    rig.own_network()
    print(rig.describe_build() + "\n")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended early"))
    results = []
    try:
        measure(options, results)
    finally:
        print(table(results, options))


if __name__ == "__main__":
    main()
