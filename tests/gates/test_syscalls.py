"""Gate: system calls per proxied request, counted by strace over connections in lockstep."""
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "bench"))

import syscalls  # noqa: E402


@pytest.mark.parametrize("target", ["gwctl", "gwctl-log"])
def test_a_request_is_two_reads_and_two_writes(target):
    counts = syscalls.in_lockstep(target)
    assert counts["recvfrom"] == pytest.approx(2, abs=0.01)
    assert counts["sendto"] == pytest.approx(2, abs=0.01)
    others = {call: n for call, n in counts.items() if call not in ("recvfrom", "sendto", "epoll_wait", "all")}
    assert others.get("epoll_ctl", 0) <= 0.01, others
    assert sum(others.values()) <= 0.02, others  # the keeper and the writer of logs have some each second, not request
