"""Programs: starting, stopping, what CPU time and memory they take."""

import os
import shutil
import signal
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


class Failed(Exception):
    """Something that makes a measurement worthless; its text says what."""


def _stat(pid):
    """Fields of /proc/PID/stat after the name, which may hold anything; None when the process is gone."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def _children(pid):
    found = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children") as file:
                found += [int(child) for child in file.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


def cpu_seconds(pid):
    """User and system time of a process and its children, living and reaped."""
    fields = _stat(pid)
    if fields is None:
        return 0.0
    own = sum(int(field) for field in fields[11:15]) / TICKS
    return own + sum(cpu_seconds(child) for child in _children(pid))


def resident_megabytes(pid):
    """Resident memory of a process and its children."""
    fields = _stat(pid)
    if fields is None:
        return 0.0
    return int(fields[21]) * PAGE / 1e6 + sum(resident_megabytes(child) for child in _children(pid))


class Process:
    """A program in the background whose output goes to a file."""

    def __init__(self, arguments, log, environment=None):
        self.log = log
        self._name = os.path.basename(arguments[0])
        with open(log, "ab") as output:
            self._child = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env={**os.environ, **(environment or {})}, start_new_session=True,
            )
        self.pid = self._child.pid

    def check(self):
        if self._child.poll() is not None:
            with open(self.log, errors="replace") as file:
                raise Failed(f"{self._name} ended by itself:\n{file.read()[-2000:]}")

    def stop(self, limit=15):
        if self._child.poll() is None:
            self._child.send_signal(signal.SIGTERM)
            try:
                self._child.wait(limit)
            except subprocess.TimeoutExpired:
                os.killpg(self.pid, signal.SIGKILL)
                self._child.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Result:
    """What a program that ran to its end printed and took."""

    def __init__(self, output, seconds, cpu):
        self.output, self.seconds, self.cpu = output, seconds, cpu


def run(arguments, environment=None, limit=600, input=None):
    """Runs a program to its end. Raises Failed when it fails."""
    started = time.monotonic()
    child = subprocess.Popen(
        arguments, stdin=subprocess.PIPE if input is not None else subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env={**os.environ, **(environment or {})}, text=True,
    )
    before = os.times()
    try:
        output, errors = child.communicate(input, limit)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        raise Failed(f"{arguments[0]} took longer than {limit} s") from None
    after = os.times()
    if child.returncode != 0:
        raise Failed(f"{' '.join(arguments)[:300]} failed:\n{(output + errors)[-2000:]}")
    cpu = after.children_user - before.children_user + after.children_system - before.children_system
    return Result(output, time.monotonic() - started, cpu)


def need(program):
    """The path of a program, or Failed with the package that has it."""
    packages = {"wrk": "wrk", "curl": "curl"}
    path = shutil.which(program)
    if path is None:
        raise Failed(f"{program} is missing: apt-get install {packages.get(program, program)}")
    return path
