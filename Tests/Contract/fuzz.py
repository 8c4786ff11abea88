"""Schemathesis over the whole of openapi.yaml, against a live server, as three callers.

    fuzz.py BASE_URL FILE [--examples 50]

FILE is JSON: {"operator": token, "a": {"id", "key"}, "b": {"id", "key"}}, two empty workspaces. `key` calls with the key of
the workspace whose ids are sent (and the operator's key where that is asked for), `none` without a key, `other` with the
key of another workspace. Fails on any finding of Schemathesis, on a status that the operation does not name, on an operation
that `key` never got a 2xx of or that anybody called fewer times than asked for, on anything but 401 without a key, and on a
2xx with the other key where the path names something.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from world import World

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
          "response_schema_conformance", "negative_data_rejection", "unsupported_method")
SEED = 20261123
# `default` stands for these alone; taken as it is written it would make every status a documented one.
GENERAL = {"405", "408", "417"}
METHODS = ("get", "put", "post", "delete", "patch")
# The path names something that every workspace has.
SHARED = {"getReport", "getProblemType"}


def operations():
    document = yaml.load((ROOT / "openapi.yaml").read_bytes(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                operation = item[method]
                is_open = operation.get("security", document["security"]) == []
                yield operation["operationId"], path, is_open, set(operation["responses"]) | GENERAL


def run(name, plan, examples):
    """One caller, until it called each operation often enough: Schemathesis leaves out what it has generated before.

    Returns what each operation answered, and what is wrong.
    """
    started = time.monotonic()
    tally, findings = once(name, plan, examples, SEED, [])
    for again in range(1, 6):
        few = [operation for operation, *_ in operations() if sum(tally.get(operation, {}).values()) < examples]
        if not few or not tally:
            break
        more, found = once(name, plan, examples, SEED + again, few)
        findings += found
        for operation, answers in more.items():
            tally[operation] = dict(collections.Counter(tally.get(operation, {})) + collections.Counter(answers))
    statuses = collections.Counter()
    for answers in tally.values():
        statuses.update(answers)
    print(f"{name:5}  {sum(statuses.values()):6} calls  {time.monotonic() - started:5.0f} s  "
          + "  ".join(f"{status}: {count}" for status, count in sorted(statuses.items()))
          + ("  FAILED" if findings else ""), flush=True)
    return tally, findings


def once(name, plan, examples, seed, only):
    """One run over all operations, or over `only` those."""
    with tempfile.TemporaryDirectory() as directory:
        plan = {**plan, "pass": name, "seed": seed, "tally": f"{directory}/tally.json"}
        environment = {
            **os.environ, "SWITCHBOARD_FUZZ": json.dumps(plan), "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(HERE)}
        result = subprocess.run(
            [str(Path(sys.executable).parent / "schemathesis"), "run", str(ROOT / "openapi.yaml"), "--url", plan["base"],
             "--phases", "examples,fuzzing", "--max-examples", str(examples * 11 // 10), "--seed", str(seed), "--workers", "1",
             "--checks", ",".join(CHECKS), "--continue-on-failure", "--no-shrink", "--no-color", "--warnings", "off",
             "--generation-database", "none", "--suppress-health-check", "all", "--request-timeout", "30",
             *(f"--include-operation-id={operation}" for operation in only)],
            cwd=directory, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        try:
            tally = json.loads(Path(plan["tally"]).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}, [result.stdout[-4000:] + result.stderr[-4000:]]
    return tally, [] if result.returncode == 0 else [result.stdout]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("base")
    parser.add_argument("keys")
    parser.add_argument("--examples", type=int, default=50)
    arguments = parser.parse_args()
    keys = json.loads(Path(arguments.keys).read_text(encoding="utf-8"))
    world = World.made(arguments.base, keys["a"]["id"], keys["a"]["key"])
    plan = {"base": arguments.base, "key": keys["a"]["key"], "operator": keys["operator"], "stays": world.stays}
    print(f"checks: {', '.join(CHECKS)}; seed {SEED}")
    failures = []
    tallies = {}
    callers = {"key": keys["a"]["key"], "none": None, "other": keys["b"]["key"]}
    with concurrent.futures.ThreadPoolExecutor() as pool:
        runs = {name: pool.submit(run, name, {**plan, "sent_key": key}, arguments.examples)
                for name, key in callers.items()}
    for name, done in runs.items():
        tallies[name], found = done.result()
        failures += found
    succeeded = lambda answers: sum(count for status, count in answers.items() if status.startswith("2"))  # noqa: E731
    never, few = [], []
    for operation, path, is_open, documented in operations():
        answers = {name: tally.get(operation, {}) for name, tally in tallies.items()}
        if not succeeded(answers["key"]):
            never.append(operation)
        few += [f"{operation} ({name})" for name, tally in answers.items() if sum(tally.values()) < arguments.examples]
        undocumented = {status for given in answers.values() for status in given} - documented
        if undocumented:
            failures.append(f"{operation} is answered with {sorted(undocumented)}, which is not documented")
        # A body or a method that HTTP itself refuses is refused before anybody is asked for a key.
        allowed = {"401", "405"}
        if not is_open and set(answers["none"]) - allowed:
            failures.append(f"{operation} without a key: {answers['none']}")
        if "{" in path and operation not in SHARED and succeeded(answers["other"]):
            failures.append(f"{operation} with another workspace's key: {answers['other']}")
    total = sum(1 for _ in operations())
    print(f"{total} operations; never a 2xx: {', '.join(never) or 'none'}; "
          f"fewer than {arguments.examples} calls: {', '.join(few) or 'none'}")
    for failure in failures:
        print(failure)
    return 1 if failures or never or few else 0


if __name__ == "__main__":
    sys.exit(main())
