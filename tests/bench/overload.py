#!/usr/bin/python3
"""Goodput of an overloaded gateway, how fast it refuses, and whether it is well again a second later.

An upstream answers after 10 ms and the gateway has 20 requests in flight at most, so it can serve some 2,000 a second.
How many it does serve is measured first, by 20 connections that never pause; then it is offered twice and ten times that
at random times, and a second after the end half of it again. The gateway runs on CPU 1, upstream and load
on CPU 0, so the machine has to be quiet. Ends with 1 if a goal is missed.

    GW_BUILD=build tests/bench/overload.py --seconds 5
"""
import argparse
import subprocess
import sys
import time

import rig

DELAY_SECONDS, IN_FLIGHT = 0.010, 20
UPSTREAM = """
import asyncio, socket, sys
class Answer(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.text = transport, b""
    def data_received(self, data):
        self.text += data
        while b"\\r\\n\\r\\n" in self.text:
            self.text = self.text.partition(b"\\r\\n\\r\\n")[2]
            asyncio.get_running_loop().call_later(DELAY, self.transport.write, ANSWER)
async def main():
    server = await asyncio.get_running_loop().create_server(Answer, "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
DELAY, ANSWER = float(sys.argv[1]), b"HTTP/1.1 200 OK\\r\\nContent-Length: 500\\r\\n\\r\\n" + b"x" * 500
asyncio.run(main())
"""


class Upstream:
    def __init__(self):
        self.process = subprocess.Popen(rig.pinned(rig.LOAD_CPU, [sys.executable, "-c", UPSTREAM, str(DELAY_SECONDS)]),
                                        stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def stop(self):
        self.process.kill()
        self.process.wait()


class Gateway(rig.Gateway):
    limits = f"in_flight = {IN_FLIGHT};"


def load(port, rate, seconds, connections):
    """Status and milliseconds of each answer; 0: was not asked, since all connections waited for one."""
    command = [rig.program("pace"), str(port), str(rate), str(seconds), str(connections)]
    done = subprocess.run(rig.pinned(rig.LOAD_CPU, command), check=True, stdout=subprocess.PIPE, text=True)
    return [(int(status), int(us) / 1000) for status, us in map(str.split, done.stdout.splitlines())]


def share(values, part):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * part))] if values else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=5, help="of each load (5)")
    seconds = parser.parse_args().seconds
    rig.own_network()
    upstream = Upstream()
    gateway = Gateway(upstream.port).start()
    missed = []
    try:
        answers = load(gateway.port, 100000, seconds, IN_FLIGHT)
        capacity = sum(status == 200 for status, _ in answers) / seconds
        print(f"capacity: {capacity:.0f} a second with {IN_FLIGHT} connections\n\n"
              "| offered | answered | goodput, of capacity | p99 of it | refusals: p50 | p99 | most |\n"
              "|---|---|---|---|---|---|---|")
        for factor in (2, 10):
            answers = load(gateway.port, factor * capacity, seconds, 500)
            good = [ms for status, ms in answers if status == 200]
            refused = [ms for status, ms in answers if status == 503]
            goodput = len(good) / seconds / capacity
            print(f"| {factor}× | {(len(good) + len(refused)) / seconds:.0f}/s | {goodput:.0%} | {share(good, 0.99):.1f} ms "
                  f"| {share(refused, 0.5):.2f} ms | {share(refused, 0.99):.2f} ms | {max(refused, default=0):.2f} ms |")
            if goodput < 0.9 or share(refused, 0.99) > 5 or len(good) + len(refused) != len(answers):
                missed.append(f"{factor}×")
        time.sleep(1)
        answers = load(gateway.port, capacity / 2, 2, 500)
        good = [ms for status, ms in answers if status == 200]
        print(f"\na second later, half of it offered: {len(good) / len(answers):.1%} served, p99 {share(good, 0.99):.1f} ms")
        if len(good) < 0.99 * len(answers):
            missed.append("after")
    finally:
        gateway.close()
        upstream.stop()
    print("missed: " + ", ".join(missed) if missed else "all goals reached")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
