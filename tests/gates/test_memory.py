"""Gate: memory of an idle keep-alive connection that has served a request."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "bench"))

import memory  # noqa: E402
import rig  # noqa: E402


def test_an_idle_connection():
    upstream = rig.Upstream(cpu=None)
    target = rig.TARGETS["gwctl"](upstream.port).start(cpu=None)
    try:
        assert memory.idle(target, 5000)[0] <= 700
    finally:
        target.close()
        upstream.stop()
