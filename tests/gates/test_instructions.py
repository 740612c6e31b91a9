"""Gates: user-space instructions and heap calls per proxied request, counted by callgrind, which no load of the machine
changes. The limits lie closely above what is reached: a change that costs more says so here."""
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "bench"))

import instructions  # noqa: E402
import rig  # noqa: E402


@pytest.mark.parametrize("target, headers, limit", [
    ("gwctl", [], 7100),
    ("gwctl", rig.HEADERS_9, 9000),
    ("gwctl-log", [], 9300),
    ("gwctl-json", [], 10600),
], ids=["plain", "nine-headers", "log-and-filter", "json-log-and-filter"])
def test_cost_of_a_request(target, headers, limit):
    cost = instructions.per_request(target, headers)
    assert cost.instructions <= limit
    assert cost.heap_calls == pytest.approx(0, abs=0.01)  # chunks of a log are taken and given back in between
