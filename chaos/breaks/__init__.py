"""The rows: one file each, one line here. A row has `TITLE`, may have `NEEDS` and `impossible`, and does `run(env)`."""

from . import kill_at_points, kill_at_random, kill_backend, network_reset, server_stop

ROWS = {
    "kill": kill_at_random,
    "crash-points": kill_at_points,
    "backend": kill_backend,
    "server": server_stop,
    "reset": network_reset,
}

#: What `make test` runs.
TEST_ROWS = ("kill", "backend", "server", "reset")
