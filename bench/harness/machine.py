"""What all of this ran on."""

import os
import platform
import re

from harness.processes import run


def description(cluster, scale):
    """Lines of text: processor, memory, disk, versions, settings."""
    with open("/proc/cpuinfo") as file:
        model = re.search(r"model name\s*: (.*)", file.read())
    with open("/proc/meminfo") as file:
        memory = int(re.search(r"MemTotal:\s*(\d+)", file.read())[1]) / 1e6
    sync = run([f"{cluster.bin}/pg_test_fsync", "-s", "1", "-f", f"{cluster.directory}/fsync"]).output
    flush = re.search(r"fdatasync\s+[0-9.]+ ops/sec\s+(\d+) usecs", sync)
    settings = ", ".join(f"{name}={value}" for name, value in cluster.settings.items())
    return "\n".join([
        f"- machine: {len(os.sched_getaffinity(0))} cores ({model[1] if model else platform.machine()}), "
        f"{memory:.0f} GB, Linux {platform.release()}; load, program and database share it",
        f"- disk: {flush[1] if flush else '?'} µs for a write of 8 kB with fdatasync",
        f"- PostgreSQL {cluster.version}: {settings}",
        f"- scale: {scale.name}, {scale.rounds} rounds",
    ])
