"""The rows: one file each, one line here. A row has `TITLE`, may have `NEEDS` and `impossible`, and does `run(env)`."""

from . import (
    channels, connections_used_up, disk_full, failover, kill_at_points, kill_at_random, kill_backend, migrations,
    network_cut, network_half_open, network_reset, network_slow, outsider_lock, outsider_transaction, overload,
    server_stop, sigterm, soak, wrong_clock, wrong_clock_behind, zone_changes)

ROWS = {
    "kill": kill_at_random,
    "crash-points": kill_at_points,
    "sigterm": sigterm,
    "backend": kill_backend,
    "server": server_stop,
    "connections": connections_used_up,
    "lock": outsider_lock,
    "transaction": outsider_transaction,
    "disk": disk_full,
    "failover": failover,
    "slow": network_slow,
    "reset": network_reset,
    "half-open": network_half_open,
    "cut": network_cut,
    "clock": wrong_clock,
    "clock-behind": wrong_clock_behind,
    "zone": zone_changes,
    "channels": channels,
    "overload": overload,
    "migrations": migrations,
}

#: Run alone, for as long as one says.
SOAK = {"soak": soak}

#: What `make test` runs.
TEST_ROWS = ("kill", "backend", "server", "reset")
