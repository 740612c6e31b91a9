"""Mutated requests in great numbers: what the gateway takes the upstream saw as one request of the same length, all else
was refused with an error and the end of the connection. The same with answers: whole, a 502, or cut. Both are sent by
the programs in tests/tools/mutations, which are the upstream too."""
import os
import random
import re
import subprocess

import pytest
from support.config import build_folder, config, route

SEEDS = {"fixed": 1, "new": int(os.environ.get("GW_SEED", 0)) or random.randrange(1, 1 << 32)}
COUNT = 2_000_000 if os.environ.get("GW_LONG") else 10_000 if os.environ.get("GW_SANITIZE") == "thread" else 50_000

ROUTES = [
    *(route(f"jitter{i}", path=f"/{name}/**", filters=[{"jitter": {"seed": i}}, {"jitter": {"seed": 2}}])
      for i, name in enumerate(["jitter", *range(8)])),
    route("rest"),
]


def run(gateway, name, kind, count):
    """What the program counted."""
    seed = SEEDS[kind]
    program = os.path.join(build_folder(), "tests", "tools", name)
    with subprocess.Popen([program, str(seed), "0", str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True, errors="replace") as process:
        port = process.stdout.readline().strip()
        gw = gateway(config(ROUTES, {"up": [f"127.0.0.1:{port}"]}, plugins=["jitter"]))
        text, _ = process.communicate(f"{gw.port}\n")
    assert process.returncode == 0, f"GW_SEED={seed}: {text}"
    return map(int, re.findall(r" (\d+)[,;]", text))


@pytest.mark.timeout(3000)
@pytest.mark.parametrize("kind", SEEDS)
def test_what_is_taken_is_seen_once(gateway, kind):
    accepted, refused, whole = run(gateway, "mutated_requests", kind, COUNT)
    assert accepted > COUNT * 0.5 and refused > COUNT * 0.2 and whole > COUNT * 0.2  # enough of either


@pytest.mark.timeout(3000)
@pytest.mark.parametrize("kind", SEEDS)
def test_what_is_answered_is_passed_on_or_refused(gateway, kind):
    count = COUNT // 2
    relayed, refused, cut = run(gateway, "mutated_answers", kind, count)
    assert relayed > count * 0.3 and refused > count * 0.2 and cut > count * 0.02 and relayed + refused + cut == count
