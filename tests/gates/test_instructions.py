"""Gate: user-space instructions per proxied request, counted by callgrind, which no load of the machine changes."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "bench"))

import instructions  # noqa: E402


def test_plain_request_with_one_header():
    assert instructions.per_request("gwctl") <= 9000
