#!/usr/bin/python3
"""A whole HTTP/JSON to Thrift exchange beside plain proxying of the same documents: a POST whose answer is what was sent.

Both ways go through gwctl with one worker to the same upstream, which echoes HTTP bodies and Thrift structs. Documents:
`echo` is one string (idl/echo.thrift), `shop` is three levels deep (transcode.c), 500 different ones, each of about 0.5
and 2 KB. Printed are user-space instructions per request (callgrind) and, with --rounds, CPU-µs (wrk, one pinned core
each, interleaved, ratio of minima and median of the ratios of the same round).

With --hertz the `shop` exchanges stand beside those of a gateway in Go instead (tests/peers/hertz-gateway: Hertz, sonic,
generated structs), which is built when it is needed: CPU-µs only.

    GW_BUILD=build tests/bench/exchange.py --rounds 5 --seconds 3
    GW_BUILD=build tests/bench/exchange.py --hertz --rounds 7 --seconds 4
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import urllib.request

import bench
import instructions
import rig

CELLS = ("echo 0.5", "echo 2", "shop 0.5", "shop 2")
PATHS = {"echo": "/echo/EchoMethod", "shop": "/shop/place"}


class Exchange(rig.Gateway):
    """gwctl with both ways: /proxy/… and /thrift/…"""

    def command(self, single=False):
        idl = os.path.join(self.folder, "idl")
        os.makedirs(idl, exist_ok=True)
        with open(os.path.join(rig.ROOT, "idl", "echo.thrift")) as f:
            self.write("idl/echo.thrift", f.read())
        self.write("idl/shop.thrift", subprocess.check_output([rig.program("transcode"), "idl"], text=True))
        instance = f'instances = ( "127.0.0.1:{self.upstream_port}" );'
        config = self.write("gateway.cfg", f"""
version = 1;
workers = 1;
listeners = ( {{ address = "127.0.0.1:{self.port}"; }} );
idl = {{ folder = "idl"; }};
services = ( {{ name = "up"; {instance} }}, {{ name = "echo"; {instance} }}, {{ name = "shop"; {instance} }} );
routes = (
  {{ id = "proxy"; predicates = {{ path = "/proxy/{{service}}/{{method}}"; }};
    endpoint = {{ http = {{ service = "up"; }}; }}; }},
  {{ id = "thrift"; predicates = {{ path = "/thrift/{{service}}/{{method}}"; }};
    endpoint = {{ thrift = {{ service = "{{service}}"; method = "{{method}}"; }}; }}; }}
);
""")
        return [os.path.join(rig.BUILD, "cli", "gwctl"), "run", config]


class Hertz(rig.Target):
    name = "hertz"

    def command(self, single=False):
        cache = os.path.join(rig.ROOT, "tests", "support", "peer_cache.py")
        folder = subprocess.check_output([sys.executable, cache, "hertz-gateway"], text=True).strip()
        return [os.path.join(folder, "server"), f"127.0.0.1:{self.port}", f"127.0.0.1:{self.upstream_port}"]


class Upstream(rig.Upstream):
    program = "echo"


def write_documents(target, cell):
    """A file with a document in each line."""
    kind, size = cell.split()
    if kind == "shop":
        text = subprocess.check_output([rig.program("transcode"), "print", "0" if size == "0.5" else "1"], text=True)
    else:
        length = int(float(size) * 1024) - len('{"msg":""}')
        text = json.dumps({"msg": ("The quick brown fox jumps over the lazy dog. " * 50)[:length]}) + "\n"
    return target.write(cell.replace(" ", "-"), text)


def path_of(way, cell):
    return f"/{way}{PATHS[cell.split()[0]]}"


def count_instructions(cell):
    out = {}
    for way in ("proxy", "thrift"):
        upstream = Upstream(cpu=None)
        target = Exchange(upstream.port)
        try:
            os.environ["LOCK_BODIES"] = write_documents(target, cell)
            out[way] = instructions.slope(target, [], path_of(way, cell)).instructions
        finally:
            target.close()
            upstream.stop()
    return out


def lua(target, documents):
    """wrk's script that sends one document after the other."""
    return target.write("post.lua", f"""
local bodies, at = {{}}, 0
for line in io.lines("{documents}") do bodies[#bodies + 1] = line end
wrk.headers["Content-Type"] = "application/json"
request = function() at = at % #bodies + 1 return wrk.format("POST", nil, nil, bodies[at]) end
""")


def measure(cell, options):
    """CPU-µs of each way, a list of rounds."""
    out = {"proxy": [], "thrift": []}
    upstream = Upstream()
    try:
        for number in range(options.rounds):
            target = Exchange(upstream.port).start()
            try:
                script = lua(target, write_documents(target, cell))
                for way in sorted(out, reverse=bool(number % 2)):
                    bench.wait_quiet(options.quiet, options.patience)
                    result = bench.sample(target, upstream, path_of(way, cell), 64, options.seconds, [], script)
                    out[way].append(result["us"])
            finally:
                target.close()
    finally:
        upstream.stop()
    return out


def check_echo(target, documents, path):
    """The first document comes back as it was."""
    with open(documents) as f:
        document = f.readline()
    url = f"http://127.0.0.1:{target.port}{path}"
    with urllib.request.urlopen(urllib.request.Request(url, document.encode())) as answer:
        got = json.load(answer)
    if got != json.loads(document):
        sys.exit(f"{target.name} answers {got}, not {document}")


def measure_hertz(cell, options):
    """CPU-µs of both gateways, a list of rounds."""
    out = {Exchange: [], Hertz: []}
    upstream = Upstream()
    try:
        for number in range(options.rounds):
            for kind in list(out)[::-1 if number % 2 else 1]:
                target = kind(upstream.port).start()
                try:
                    documents, path = write_documents(target, cell), path_of("thrift", cell)
                    check_echo(target, documents, path)
                    script = lua(target, documents)
                    bench.sample(target, upstream, path, 64, 1, [], script)
                    bench.wait_quiet(options.quiet, options.patience)
                    out[kind].append(bench.sample(target, upstream, path, 64, options.seconds, [], script)["us"])
                finally:
                    target.close()
    finally:
        upstream.stop()
    return out[Exchange], out[Hertz]


def compare_hertz(options):
    print("| document | CPU-µs, gwctl: least | median | Hertz: least | median | ratio of minima | of medians | of the same round |\n"
          "|---|---|---|---|---|---|---|---|")
    for cell in options.cells:
        ours, theirs = measure_hertz(cell, options)
        same = statistics.median(o / t for o, t in zip(ours, theirs))
        median = statistics.median(ours), statistics.median(theirs)
        print(f"| {cell} KB | {min(ours):.2f} | {median[0]:.2f} | {min(theirs):.2f} | {median[1]:.2f} | "
              f"{min(ours) / min(theirs):.2f} | {median[0] / median[1]:.2f} | {same:.2f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cells", nargs="*", default=CELLS, help=", ".join(CELLS))
    parser.add_argument("--rounds", type=int, default=0, help="of CPU-µs; none by default")
    parser.add_argument("--seconds", type=int, default=3, help="length of one sample")
    parser.add_argument("--quiet", type=float, default=0.1, help="cores in use that count as quiet")
    parser.add_argument("--patience", type=float, default=20, help="seconds to wait for quiet")
    parser.add_argument("--hertz", action="store_true", help="against the gateway in Go")
    options = parser.parse_args()
    if options.hertz:
        Hertz(0).command()  # built while there is a network
    rig.own_network()
    if options.hertz:
        options.cells = [cell for cell in options.cells if cell.startswith("shop")]
        options.rounds = options.rounds or 5
        compare_hertz(options)
        return
    print("| document | instructions, proxied | to Thrift and back | ratio | difference |\n|---|---|---|---|---|")
    for cell in options.cells:
        n = count_instructions(cell)
        print(f"| {cell} KB | {n['proxy']:,.0f} | {n['thrift']:,.0f} | {n['thrift'] / n['proxy']:.2f} | "
              f"{n['thrift'] - n['proxy']:,.0f} |", flush=True)
    if options.rounds:
        print("\n| document | CPU-µs, proxied | to Thrift and back | ratio of minima | of the same round |\n"
              "|---|---|---|---|---|")
    for cell in options.cells if options.rounds else ():
        us = measure(cell, options)
        same = statistics.median(t / p for t, p in zip(us["thrift"], us["proxy"]))
        print(f"| {cell} KB | {min(us['proxy']):.2f} | {min(us['thrift']):.2f} | "
              f"{min(us['thrift']) / min(us['proxy']):.2f} | {same:.2f} |", flush=True)


if __name__ == "__main__":
    main()
