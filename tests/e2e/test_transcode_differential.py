"""The transcoder against the slow and obvious one of support/slow_thrift.py, over random schemas, bodies and results. A
failure names its seed: GW_SEED=… runs that one alone. Half of the seeds are new in each run."""
import json
import os
import random
import subprocess

import pytest

from support import random_thrift, slow_encodings, slow_thrift
from support.config import build_folder
from support.slow_thrift import CONTAINERS, RECORDS, Type

BATCHES = 10
CASES = 200 if os.environ.get("GW_SANITIZE") else 2000  # a batch
FILES = 8
ENCODINGS = ("binary", "compact", "json")
TOLD = 20  # misfits told of each body, at most


def has_pairs(*types):
    """A map whose keys JSON can't have is in one of them: Thrift's JSON does not have it either."""
    seen, left = set(), list(types)
    while left:
        type = left.pop()
        if type.kind == "map" and type.key.kind in RECORDS + CONTAINERS:
            return True
        if type.kind in RECORDS and type.record not in seen:
            seen.add(type.record)
            left += [field.type for field in type.record.fields]
        left += [inner for inner in (type.key, type.value) if inner]
    return False


def random_case(rng, file):
    """A line for the probe, and what is asked: (method, True for a body, encoding, bytes, rules)."""
    method, rules, encoding = rng.choice(file.all_methods()), random_thrift.rules(rng), rng.choice(ENCODINGS)
    if encoding == "json" and has_pairs(Type("struct", record=method.result), Type("struct", record=method.arguments)):
        encoding = "compact"
    odds = rng.choice((0, 0, 0.02, 0.1))
    is_body = rng.random() < 0.6
    if is_body:
        data = random_thrift.body(rng, method, odds, rules) if rng.random() < 0.97 else random_thrift.deep_body(rng, method)
        if rng.random() < 0.2:
            data = random_thrift.disturbed(rng, data)
        words = ["in", file.name, method.name, rules.words()]
    else:
        data = slow_encodings.write(encoding, method.result, random_thrift.result_bytes(rng, method, odds))
        if rng.random() < 0.3:
            data = random_thrift.disturbed_bytes(rng, data)
        words = ["out", file.name, method.name, rules.words()]
    pieces = rng.choice(("0", "0", "1", f"r{rng.randint(1, 10 ** 6)}"))
    words[3] += "," + encoding
    return " ".join(words + [pieces, data.hex() or "-"]), (method, is_body, encoding, data, rules)


def differs_in(method, encoding, text, rules, answer):
    """What of the answer to a body is wrong, or None."""
    data, misfits = slow_thrift.to_thrift(method, text, rules)
    told = [(e["pointer"], e.get("idl")) for e in json.loads(answer[3:])] if answer.startswith("no ") else []
    if len(misfits) > TOLD:  # a syntax error, the last one, is told at any rate
        misfits = misfits[:TOLD - 1] + [misfits[-1] if misfits[-1][1] is None else misfits[TOLD - 1]]
    if misfits != told:
        return f"misfits {misfits}\ntold    {told}"
    if not misfits:
        expected = "ok " + slow_encodings.write(encoding, method.arguments, data).hex()
        return f"expected {expected}" if answer != expected else None
    return None


def differs_out(method, encoding, data, rules, answer):
    expected = slow_encodings.to_json(encoding, method, data, rules)
    if expected[0] != "ok" and encoding == "json":
        return None if answer.split()[0] in ("bad", "more") else "expected bad or more"
    if expected[0] != "ok":
        return None if answer.split()[0] == expected[0] else f"expected {expected[0]}"
    _, field, taken, value = expected
    words = answer.split(" ", 3)
    if words[:3] != ["ok", "-" if field is None else str(field), str(taken)]:
        return f"expected ok {field} {taken}"
    if field is not None and slow_thrift.read_json(words[3]) != value:
        return f"expected {value}"
    return None


def probe(folder, lines):
    done = subprocess.run([os.path.join(build_folder(), "tests", "tools", "transcode_probe"), folder], timeout=120,
                          input="\n".join(lines) + "\n", capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


def run(folder, seed):
    """The cases that differ, as text, and how many there were of each kind."""
    rng = random.Random(seed)
    files = random_thrift.write_folder(rng, folder, FILES, "")
    cases = [random_case(rng, rng.choice(files)) for _ in range(CASES)]
    lines = [line for line, _ in cases]
    answers = probe(folder, lines)
    assert len(answers) == len(lines)
    different, counts = [], {}
    for (line, (method, is_body, encoding, data, rules)), answer in zip(cases, answers):
        kind = line.split()[0] + " " + answer.split()[0]
        counts[kind] = counts.get(kind, 0) + 1
        difference = (differs_in if is_body else differs_out)(method, encoding, data, rules, answer)
        if difference:
            different.append(f"{line[:400]}\n{data[:400]}\nanswer {answer[:1000]}\n{difference}"[:3000])
    return different, counts


@pytest.mark.parametrize("batch", range(BATCHES))
def test_same_as_the_slow_converter(batch, tmp_path):
    seed = batch if batch < BATCHES // 2 else random.SystemRandom().randrange(1 << 32)
    seed = int(os.environ.get("GW_SEED", seed))
    different, counts = run(str(tmp_path), seed)
    assert not different, f"GW_SEED={seed}: {len(different)} differ, the first:\n" + "\n\n".join(different[:3])
    least = {"in ok": 0.2, "in no": 0.1, "out ok": 0.1, "out bad": 0.02, "out more": 0.02}
    assert all(counts.get(kind, 0) >= share * CASES - 20 for kind, share in least.items()), f"GW_SEED={seed}: {counts}"
