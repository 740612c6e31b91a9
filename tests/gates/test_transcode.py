"""Gates: user-space instructions for a byte of JSON that is converted to Thrift binary, and for one that comes of it,
counted by callgrind over the documents of tests/bench/transcode.c. The limits lie closely above what a build with -O2
and assertions needs, as the test command makes it; a release build needs a little less."""
import os
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "bench"))

import instructions  # noqa: E402
import rig  # noqa: E402

DOCUMENTS = 500


def total(folder, what, size, rounds):
    """Instructions of a run that converts all documents so many times."""
    out = os.path.join(folder, "callgrind.out")
    subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", rig.program("transcode"),
                    str(rounds), what, str(size)], check=True, capture_output=True, timeout=300)
    return instructions.read(out).instructions


@pytest.mark.parametrize("size", [0, 1], ids=["half-a-kilobyte", "two-kilobytes"])
@pytest.mark.parametrize("what, limits", [("to thrift", (11.6, 10.2)), ("to json", (12.7, 11.4))],
                         ids=["encode", "decode"])
def test_cost_of_a_byte(what, limits, size, tmp_path):
    documents = subprocess.check_output([rig.program("transcode"), "print", str(size)])
    bytes_of_one = (len(documents) - DOCUMENTS) / DOCUMENTS
    few, many = (total(tmp_path, what, size, rounds) for rounds in (1, 2))
    assert (many - few) / DOCUMENTS / bytes_of_one <= limits[size]
