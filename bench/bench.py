#!/usr/bin/env python3
"""Measures Switchboard beside its ceilings and peers, line by line. What each line means: docs/benchmarks.md."""

import argparse
import os
import shutil
import signal
import sys
import time

import lines
from harness import machine, table
from harness.bench import SCALES, Bench
from harness.cluster import Cluster
from harness.processes import Failed
from harness.switchboard import Program

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lines", nargs="*", help="which lines; all without")
    parser.add_argument("--scale", choices=SCALES, default="full")
    parser.add_argument("--programs", default=f"{ROOT}/.build/release", help="directory of the built programs")
    parser.add_argument("--python", default=f"{ROOT}/.build/bench-venv/bin/python", help="has the peers' packages")
    parser.add_argument("--rounds", type=int, help="instead of the scale's")
    parser.add_argument("--seconds", type=float, help="of one measurement, instead of the scale's")
    parser.add_argument("--no-peers", action="store_true", help="leave the peers out")
    parser.add_argument("--only", action="append", help="contestants whose name contains this")
    parser.add_argument("--output", help="write the tables into this file, too")
    return parser.parse_args()


def main():
    options = arguments()
    # As an interrupt, so that the database server is stopped and removed.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    scale = SCALES[options.scale]
    if shutil.disk_usage("/var/tmp").free < scale.space:
        raise Failed(f"less than {scale.space / 1e9:.0f} GB are free in /var/tmp, where the database is made")
    changes = {"rounds": options.rounds, "seconds": options.seconds, "peers": False if options.no_peers else None}
    scale = scale.with_(**{name: value for name, value in changes.items() if value is not None})
    chosen = [line for line in lines.ALL if not options.lines or line.name in options.lines]
    unknown = set(options.lines) - {line.name for line in lines.ALL}
    if unknown:
        raise Failed(f"no such line: {', '.join(sorted(unknown))}; there are "
                     + ", ".join(line.name for line in lines.ALL))
    started = time.monotonic()
    sections, failed = [], False
    with Cluster() as cluster:
        program = Program(
            f"{options.programs}/switchboard", f"{options.programs}/switchboard-bench", ROOT,
            f"{cluster.directory}/programs.log")
        bench = Bench(cluster, program, scale, options.python, lambda text: print(text, file=sys.stderr, flush=True))
        sections.append(machine.description(cluster, scale))
        print(sections[0] + "\n", flush=True)
        for line in chosen:
            bench.say(line.title)
            outcome = bench.measure(line, options.only)
            failed = failed or bool(outcome.error) or bool(outcome.differences)
            sections.append(table.section(outcome, judged=scale.name != "short"))
            print(sections[-1] + "\n", flush=True)
    sections.append(f"Took {time.monotonic() - started:.0f} s.")
    print(sections[-1])
    if options.output:
        with open(options.output, "w") as file:
            file.write("\n\n".join(sections) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
