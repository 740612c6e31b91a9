"""Gates: user-space instructions and heap calls per proxied request, counted by callgrind. The limits lie closely above
what is reached: a change that costs more says so here. A loaded machine can only add to the count, up to 1 %, where one
epoll_wait() brings fewer events: what is over a limit is counted again."""
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "bench"))

import instructions  # noqa: E402
import rig  # noqa: E402


def least(limit, *what, **how):
    """The cost by the first of up to three counts that is within the limit, or by the last."""
    for _ in range(3):
        cost = instructions.per_request(*what, **how)
        if cost.instructions <= limit:
            break
    return cost


@pytest.mark.parametrize("target, headers, limit", [
    ("gwctl", [], 6000),
    ("gwctl", rig.HEADERS_9, 8000),
    ("gwctl-log", [], 8100),
    ("gwctl-json", [], 9500),
], ids=["plain", "nine-headers", "log-and-filter", "json-log-and-filter"])
def test_cost_of_a_request(target, headers, limit):
    cost = least(limit, target, headers)
    assert cost.instructions <= limit
    assert cost.heap_calls == pytest.approx(0, abs=0.01)  # chunks of a log are taken and given back in between


def test_two_workers_cost_what_one_does():
    limit = 1.02 * instructions.per_request("gwctl").instructions
    assert least(limit, "gwctl", workers=2).instructions <= limit
