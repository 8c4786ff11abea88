"""What others are measured with: Python programs of bench/peers in the environment that bench/requirements.txt pins."""

import contextlib
import json
import os

from harness.processes import Failed, Process, run
from harness.switchboard import free_port, wait_until_ready


def environment(database, workspace=None, **more):
    """For a peer's script: where its database is, and whom it works for."""
    found = {
        **database.cluster.environment, "PGDATABASE": database.name, "DATABASE_URL": database.url,
        **{name: str(value) for name, value in more.items()},
    }
    if workspace:
        found |= {
            "BENCH_WORKSPACE": workspace.id, "BENCH_CHANNEL": workspace.channel, "BENCH_WORKFLOW": workspace.workflow,
            "BENCH_TOKEN": workspace.key,
        }
    return found


@contextlib.contextmanager
def fastapi(bench, database, workspace, processes, **more):
    """FastAPI on uvicorn with uvloop and httptools, no access log, until the block ends. Gives (process, port)."""
    port = free_port()
    arguments = [
        bench.python, "-m", "uvicorn", "fastapi_app:app", "--app-dir", os.path.dirname(bench.peer("fastapi_app.py")),
        "--host", "127.0.0.1", "--port", str(port), "--no-access-log", "--log-level", "warning", "--loop", "uvloop",
        "--http", "httptools", "--workers", str(processes),
    ]
    with Process(arguments, bench.program.log, environment(database, workspace, **more)) as process:
        wait_until_ready(process, port)
        yield process, port


def script(bench, name, database, *arguments, workspace=None, limit=600, **more):
    """Runs a peer's script to its end. Gives the JSON of its last line, and its CPU seconds."""
    done = run(
        [bench.python, bench.peer(name), *(str(argument) for argument in arguments)],
        environment(database, workspace, **more), limit)
    lines = [line for line in done.output.splitlines() if line.startswith("{")]
    if not lines:
        raise Failed(f"{name} said nothing of use:\n{done.output[-1000:]}")
    return json.loads(lines[-1]), done.cpu
