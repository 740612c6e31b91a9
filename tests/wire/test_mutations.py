"""Mutated requests in great numbers: what the gateway takes the upstream saw as one request of the same length, all else
was refused with an error and the end of the connection. tests/tools/mutations sends them and is the upstream."""
import os
import random
import re
import subprocess

import pytest
from support.config import build_folder, config, route

SEEDS = {"fixed": 1, "new": int(os.environ.get("GW_SEED", 0)) or random.randrange(1, 1 << 32)}
COUNT = 2_000_000 if os.environ.get("GW_LONG") else 10_000 if os.environ.get("GW_SANITIZE") else 50_000

ROUTES = [
    route("jitter", path="/jitter/**", filters=[{"jitter": {"seed": 1}}, {"jitter": {"seed": 2}}]),
    route("rest"),
]


@pytest.mark.timeout(3000)
@pytest.mark.parametrize("kind", SEEDS)
def test_what_is_taken_is_seen_once(gateway, kind):
    program = os.path.join(build_folder(), "tests", "tools", "mutations")
    with subprocess.Popen([program, str(SEEDS[kind]), "0", str(COUNT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True, errors="replace") as mutations:
        port = mutations.stdout.readline().strip()
        gw = gateway(config(ROUTES, {"up": [f"127.0.0.1:{port}"]}, plugins=["jitter"]))
        text, _ = mutations.communicate(f"{gw.port}\n")
    assert mutations.returncode == 0, f"GW_SEED={SEEDS[kind]}: {text}"
    accepted, refused, whole = map(int, re.findall(r" (\d+)[,;]", text))
    assert accepted > COUNT * 0.5 and refused > COUNT * 0.2 and whole > COUNT * 0.2, text  # enough of either
