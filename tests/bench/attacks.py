#!/usr/bin/python3
"""Attacking upstreams: that each ends in its status within its timeout and 100 ms, and what another route feels of it.

The attacks are those of tests/wire/test_upstream_attacks.py, all kinds at once, again and again; how each ended and how long
it took stands in the gateway's access log. Good clients ask another route 2,000 times a second, at random times. The gateway
runs on CPU 1, the rest on CPU 0; gateway, good clients and their upstream run before all other programs, where that is
allowed (root). The times are those of the network stack; "no CPU" and "stolen" as in slow.py. Ends with 1 if a goal is
missed: p99 of the other route more than 1.2 times that without attacks, or an attack that ended late or in another way.

    GW_BUILD=build tests/bench/attacks.py --seconds 10
"""
import argparse
import json
import os
import sys
import threading
import time

import rig
import slow
from overload import share

sys.path[:0] = [os.path.join(rig.ROOT, "tests"), os.path.join(rig.ROOT, "tests", "wire")]
import test_upstream_attacks as attacks  # noqa: E402
from support.client import Client, Cut  # noqa: E402
from support.upstream import Upstream  # noqa: E402

TIMEOUT, MARGIN, PAUSE = 0.6, 0.1, 0.2


class Gateway(rig.Gateway):
    def __init__(self, good_port, bad_address):
        super().__init__(good_port)
        self.common = (f'timeouts = {{ response = "{int(TIMEOUT * 1000)}ms"; stall = "{int(TIMEOUT * 1000)}ms"; }}; '
                       'decorators = ( { access_log = { path = "access.log"; }; } );')
        self.bad_address = bad_address

    def command(self, single=False):
        command = super().command(single)
        with open(command[-1]) as f:
            text = f.read()
        text = text.replace("services = (", f'services = ( {{ name = "bad"; instances = ( "{self.bad_address}" ); }},', 1)
        text = text.replace("routes = (", 'routes = ( { id = "bad"; predicates = { path = "/attack/**"; }; '
                            'endpoint = { http = { service = "bad"; }; }; },', 1)
        self.write("gateway.cfg", text)
        return command

    def lines(self):
        with open(os.path.join(self.folder, "access.log")) as f:
            return [line for line in map(json.loads, f) if line["path"].startswith("/attack/")]


def expected(up):
    """What each path ends in: status and code, or why it is cut. Tells the upstream what to say there."""
    ends = {}
    for name, (handler, status, code) in attacks.BEFORE_THE_HEAD.items():
        ends["/attack/" + name.replace(" ", "-")] = handler, (status, code, None)
    for name, (handler, why) in attacks.IN_THE_BODY.items():
        ends["/attack/in-the-body-" + name.replace(" ", "-").replace("'", "")] = handler, (200, None, why)
    for path, (handler, _) in ends.items():
        up.on(path, handler)
    return {path: end for path, (_, end) in ends.items()}


class Attacker(threading.Thread):
    def __init__(self, port, path):
        super().__init__(daemon=True)
        self.port, self.path, self.done = port, path, threading.Event()
        self.start()

    def run(self):
        while not self.done.wait(PAUSE):
            try:
                with Client(self.port) as client:
                    client.both_ways(client.compose("POST", self.path, body=b"x"))
            except (Cut, OSError):
                pass

    def stop(self):
        self.done.set()
        self.join(10)


def check(lines, ends):
    """Those that ended in another way than they should, and seconds of the slowest beyond what it may take."""
    wrong = [(line["path"], line["status"], line["error"], line["cut"]) for line in lines
             if (line["status"], line["error"], line["cut"]) != ends[line["path"]]]
    late = [line["duration_us"] / 1e6 - TIMEOUT for line in lines]
    return wrong, max(late)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=10)
    seconds = parser.parse_args().seconds
    rig.own_network()
    with rig.ahead() as allowed:
        upstream = rig.Upstream()
    bad = Upstream()
    ends = expected(bad)
    with rig.ahead():
        gateway = Gateway(upstream.port, bad.address).start()
    print("" if allowed else "beside other programs: they count\n")
    try:
        without = slow.milliseconds(slow.good_clients(gateway.port, seconds))
        attackers = [Attacker(gateway.port, path) for path in ends]
        time.sleep(0.5)
        before = rig.lost_ms(gateway.pids[0])
        good = slow.milliseconds(slow.good_clients(gateway.port, seconds))
        waited, stolen = (b - a for a, b in zip(before, rig.lost_ms(gateway.pids[0])))
        for attacker in attackers:
            attacker.stop()
        time.sleep(0.7)  # the log is written twice a second
        lines = gateway.lines()
    finally:
        gateway.close()
        upstream.stop()
        bad.close()
    wrong, late = check(lines, ends)
    ratio = share(good, 0.99) / share(without, 0.99)
    print("| attacks | ended otherwise | latest behind its timeout | p50 without | with | p99 without | with | ratio | no CPU | stolen |\n"
          "|---|---|---|---|---|---|---|---|---|---|\n"
          f"| {len(lines)} of {len(ends)} kinds | {len(wrong)} | {late * 1000:.0f} ms | {share(without, 0.5):.3f} ms "
          f"| {share(good, 0.5):.3f} ms | {share(without, 0.99):.3f} ms | {share(good, 0.99):.3f} ms | {ratio:.2f} "
          f"| {waited:.0f} ms | {stolen:.0f} ms |\n")
    for line in wrong[:10]:
        print("ended otherwise:", *line)
    missed = [what for what, is_missed in (("ends", wrong), ("timeouts", late > MARGIN), ("p99", ratio > 1.2)) if is_missed]
    print("missed: " + ", ".join(missed) if missed else "all goals reached")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
