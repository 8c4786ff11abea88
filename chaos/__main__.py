"""The run: each row in turn under load, again until the time is over, and the books after each."""

import argparse
import asyncio
import datetime
import os
import pathlib
import random
import signal
import tempfile
import time
import traceback

from . import books
from .breaks import ROWS, SOAK, TEST_ROWS
from .cluster import Cluster, binaries, run
from .environment import Environment, Template


def arguments():
    parser = argparse.ArgumentParser(prog="python3 -m chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, help="how long to go on (60; with --rows: once through them)")
    parser.add_argument("--seed", type=int, help="repeat a run's choices; printed at the start")
    parser.add_argument("--rows", default="", help="only these, with commas: " + " ".join(ROWS))
    parser.add_argument("--test", action="store_true", help="the form of make test: four rows, once, in about a minute")
    parser.add_argument("--soak", type=float, metavar="MINUTES", help="break nothing for so long, and look on")
    parser.add_argument("--rate", type=float, help="messages a second (60; with --test 30, with --soak 150)")
    parser.add_argument("--program", default="", help="the program; the newer of the release and debug builds")
    parser.add_argument("--root", default=str(pathlib.Path(__file__).resolve().parent.parent))
    parser.add_argument("--log", default="", help="write the log here, too")
    parser.add_argument("--keep", action="store_true", help="leave the directory of a row whose books do not agree")
    return parser.parse_args()


def find_program(root):
    build = pathlib.Path(root) / ".build"
    found = [path for kind in ("release", "debug") if (path := build / kind / "switchboard").exists()]
    if not found:
        raise SystemExit("there is no program: make build, or swift build --product switchboard")
    return max(found, key=lambda path: path.stat().st_mtime)


def go_first():
    """The load must not wait for what it loads, or nobody is ever overloaded and every answer seems late. The kernel shares
    the processors among sessions, and of those each of PostgreSQL's backends is one; this is ours alone, since programs are
    started in sessions of their own. Only root may; where the kernel knows no such groups there is nothing to do."""
    try:
        pathlib.Path("/proc/self/autogroup").write_text("-10")
    except OSError:
        pass


class Log:
    def __init__(self, path):
        self._file = open(path, "a", encoding="utf-8") if path else None

    def __call__(self, text=""):
        print(text, flush=True)
        if self._file:
            print(text, file=self._file, flush=True)


async def one_row(name, module, template, partitions, options, seed, round_number, seconds, is_short, log):
    """Runs a row in surroundings of its own and gives whether its books agree."""
    began = time.monotonic()
    env = Environment(
        template, f"{name}-{round_number}", getattr(module, "NEEDS", {}), options.rate, seconds, seed, is_short,
        options.test)
    today = datetime.date.today()
    env.first_day, env.last_day = today - datetime.timedelta(days=3), today + datetime.timedelta(days=3)
    checked = {}
    try:
        await env.start()
        breaking = time.monotonic()
        await module.run(env)
        env.note("seconds broken", time.monotonic() - breaking)
        await env.settle()
        reports = await books.read_reports(env)
        await env.stop_programs()
        facts = await books.Facts(env, reports).read()
        for book in books.BOOKS:
            checked[book.__name__], wrong = book(facts)
            env.wrong += [f"{book.__name__}: {text}" for text in wrong[:8]]
            if len(wrong) > 8:
                env.wrong.append(f"{book.__name__}: and {len(wrong) - 8} more")
        env.wrong += [f"said: {text}" for text in env.ledger.wrong]
        checked["nothing_left_behind"], wrong = await books.nothing_left_behind(env, partitions)
        env.wrong += [f"nothing_left_behind: {text}" for text in wrong]
        await own_check(env)
        for program in env.programs.values():
            if "Fatal error" in program.said():
                env.wrong.append(f"{program.name} trapped")
    except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 — a row that cannot be finished has failed.
        env.wrong.append(f"{type(error).__name__}: {error}")
        if not isinstance(error, RuntimeError):
            env.wrong.append(traceback.format_exc())
        if isinstance(error, asyncio.CancelledError):
            raise
    finally:
        ledger = env.load.ledger if env.load else None
        if env.load:
            await asyncio.gather(env.load.stop(), return_exceptions=True)
        await env.remove(keep=options.keep and bool(env.wrong))
    log(f"{'ok  ' if not env.wrong else 'FAIL'} {name} ({module.TITLE}), {time.monotonic() - began:.0f} s")
    if env.facts:
        log("       " + "; ".join(f"{key}: {value}" for key, value in env.facts.items()))
    if ledger:
        answers = ", ".join(f"{count} × {status}" for status, count in sorted(ledger.answers.items(), key=str))
        log(f"       {len(ledger.acknowledged)} messages, {len(ledger.replies)} replies, {len(ledger.closed)} closings"
            f" acknowledged; answers: {answers}; p99 {ledger.percentile(0.99):.2f} s")
    if checked:
        log("       books: " + ", ".join(f"{key} {value}" for key, value in checked.items()))
    for text in env.wrong:
        log(f"       WRONG {text}")
    return not env.wrong, env.facts


async def own_check(env):
    """The program's own look at its data must agree with ours."""
    program = next(iter(env.programs.values()))
    environment = program.environment()
    environment["DATABASE_URL"] = env.cluster.url("check")
    environment["SWITCHBOARD_ROOT"] = str(getattr(env, "final_root", env.template.root))
    try:
        await run(env.template.executable, "check", "--data", cwd=env.directory, env=environment)
    except RuntimeError as error:
        env.wrong.append(f"switchboard check --data: {error}")


async def main(options):
    # Whoever ends the run ends it in order: processes, servers, mounts and files go.
    options.rate = options.rate or (30 if options.test else 150 if options.soak else 60)
    go_first()
    task = asyncio.current_task()
    for kind in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(kind, task.cancel)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1_000_000)
    random.seed(seed)
    log = Log(options.log)
    executable = pathlib.Path(options.program).absolute() if options.program else find_program(options.root)
    named = [name for name in options.rows.split(",") if name]
    rows = SOAK if options.soak else {name: ROWS[name] for name in (named or (TEST_ROWS if options.test else ROWS))}
    minutes = options.soak or options.minutes or 60
    once = options.test or options.soak or (named and not options.minutes)
    # A row of the long form is long enough for a minute's lock, that of a short one for the break itself.
    is_short = options.test or once or minutes < 20
    seconds = options.soak * 60 if options.soak else 3.0 if options.test else 6.0 if is_short else 65.0
    log(f"chaos: seed {seed}, {options.rate:g} messages/s, {'short' if is_short else 'long'} form, rows of about"
        f" {seconds:g} s, {executable}")
    settings = ", ".join(f"{name}={value}" for name, value in Cluster.SETTINGS.items())
    log(f"{os.cpu_count()} cores, PostgreSQL {binaries().parent.name}: {settings}")
    directory = tempfile.mkdtemp(prefix="switchboard-chaos-")
    os.chmod(directory, 0o711)
    template = Template(directory, executable, pathlib.Path(options.root).resolve())
    deadline = time.monotonic() + minutes * 60
    results, held, bad = [], 0, []
    try:
        await template.make()
        probe = Cluster(pathlib.Path(directory) / "probe")
        await probe.copy(template.data)
        await probe.start()
        partitions = await books.partition_names(probe)
        await probe.stop()
        probe.remove()
        round_number = 0
        while True:
            round_number += 1
            for name, module in rows.items():
                if not once and time.monotonic() > deadline:
                    break
                why = getattr(module, "impossible", lambda: None)()
                if why:
                    log(f"skip {name} ({module.TITLE}): {why}")
                    continue
                good, facts = await one_row(
                    name, module, template, partitions, options, seed, round_number, seconds, is_short, log)
                held += facts.get("kills that hit held work", 0)
                results.append((name, good))
            if once or time.monotonic() > deadline:
                break
    finally:
        bad = [name for name, good in results if not good]
        await template.remove(keep=options.keep and bool(bad))
        if options.keep and bad:
            log(f"kept: {directory}")
    missing = [name for name in rows if name not in {name for name, _ in results}]
    log(f"{len(results)} rows run, {len(bad)} with wrong books{': ' + ', '.join(bad) if bad else ''}; {held} kills hit"
        f" held work; seed {seed}" + (f"; not reached: {', '.join(missing)}" if missing else ""))
    return 1 if bad or not results else 0


if __name__ == "__main__":
    try:
        raise SystemExit(asyncio.run(main(arguments())))
    except asyncio.CancelledError:
        raise SystemExit("chaos: interrupted") from None
