"""The transcoder against the slow and obvious one of support/slow_thrift.py, over random schemas, bodies and results, in
every encoding. A failure names its seed: GW_SEED=… runs that one alone. Half of the seeds are new in each run."""
import collections
import functools
import json
import os
import random
import subprocess

import pytest

from support import random_thrift, slow_encodings, slow_thrift
from support.config import build_folder
from support.slow_thrift import CONTAINERS, RECORDS, Type

BATCHES = 30
CASES = 1_000 if os.environ.get("GW_SANITIZE") else 3_500  # a batch
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


class Case:
    """A body for a method (`is_in`) or a result of it, and what is asked of the probe."""

    def __init__(self, rng, file, encoding, method, is_in, data, rules):
        self.encoding, self.method, self.is_in, self.data, self.rules = encoding, method, is_in, data, rules
        pieces = rng.choice(("0", "0", "1", f"r{rng.randint(1, 10 ** 6)}"))
        self.line = " ".join(["in" if is_in else "out", file.name, method.name, rules.words() + "," + encoding, pieces,
                              data.hex() or "-"])


def random_cases(rng, file):
    """One body or result, in every encoding."""
    method, rules = rng.choice(file.all_methods()), random_thrift.rules(rng)
    odds, is_in = rng.choice((0, 0, 0, 0.02, 0.1, 0.5)), rng.random() < 0.6
    pairs = has_pairs(Type("struct", record=method.result), Type("struct", record=method.arguments))
    encodings = [e for e in ENCODINGS if e != "json" or not pairs]
    if is_in:
        data = random_thrift.body(rng, method, odds, rules) if rng.random() < 0.97 else random_thrift.deep_body(rng, method)
        if rng.random() < 0.2:
            data = random_thrift.disturbed(rng, data)
        return [Case(rng, file, encoding, method, True, data, rules) for encoding in encodings]
    result, disturbed = random_thrift.result_bytes(rng, method, odds), rng.random() < 0.3
    cases = []
    for encoding in encodings:
        data = slow_encodings.write(encoding, method.result, result)
        if disturbed:
            data = random_thrift.disturbed_bytes(rng, data)
        cases.append(Case(rng, file, encoding, method, False, data, rules))
    return cases


to_thrift = functools.lru_cache(maxsize=1)(slow_thrift.to_thrift)  # of one body, in every encoding


def differs_in(case, answer):
    """What of the answer to a body is wrong, or None."""
    data, misfits = to_thrift(case.method, case.data, case.rules)
    told = [(e["pointer"], e.get("idl")) for e in json.loads(answer[3:])] if answer.startswith("no ") else []
    if len(misfits) > TOLD:  # a syntax error, the last one, is told at any rate
        misfits = misfits[:TOLD - 1] + [misfits[-1] if misfits[-1][1] is None else misfits[TOLD - 1]]
    if misfits != told:
        return f"misfits {misfits}\ntold    {told}"
    if not misfits:
        expected = "ok " + slow_encodings.write(case.encoding, case.method.arguments, data).hex()
        return f"expected {expected}" if answer != expected else None
    return None


def differs_out(case, answer):
    expected = slow_encodings.to_json(case.encoding, case.method, case.data, case.rules)
    if expected[0] != "ok" and case.encoding == "json":
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


def probe(folder, lines, seed):
    done = subprocess.run([os.path.join(build_folder(), "tests", "tools", "transcode_probe"), folder], timeout=120,
                          input="\n".join(lines) + "\n", capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, f"GW_SEED={seed}: ended with {done.returncode}: {done.stderr}"
    return done.stdout.split("\n")[:-1]


def run(folder, seed):
    """The cases that differ, as text, and how many there were of each kind."""
    rng = random.Random(seed)
    files = random_thrift.write_folder(rng, folder, FILES, "")
    cases = [case for _ in range(CASES // len(ENCODINGS)) for case in random_cases(rng, rng.choice(files))]
    answers = probe(folder, [case.line for case in cases], seed)
    assert len(answers) == len(cases)
    different, counts = [], collections.Counter()
    for case, answer in zip(cases, answers):
        counts[case.line.split()[0] + " " + answer.split()[0]] += 1
        difference = (differs_in if case.is_in else differs_out)(case, answer)
        if difference:
            different.append(f"{case.line[:400]}\n{case.data[:400]}\nanswer {answer[:1000]}\n{difference}"[:3000])
    return different, counts


@pytest.mark.parametrize("batch", range(BATCHES))
def test_same_as_the_slow_converter(batch, tmp_path):
    seed = batch if batch < BATCHES // 2 else random.SystemRandom().randrange(1 << 32)
    seed = int(os.environ.get("GW_SEED", seed))
    different, counts = run(str(tmp_path), seed)
    assert not different, f"GW_SEED={seed}: {len(different)} differ, the first:\n" + "\n\n".join(different[:3])
    least = {"in ok": 0.2, "in no": 0.1, "out ok": 0.1, "out bad": 0.02, "out more": 0.02}
    assert all(counts[kind] >= share * CASES - 20 for kind, share in least.items()), f"GW_SEED={seed}: {counts}"
