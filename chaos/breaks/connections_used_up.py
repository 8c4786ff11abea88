"""An outsider takes every connection while the processes' own are terminated: they cannot come back until it goes."""

import asyncio
import socket
import struct

TITLE = "PostgreSQL: max_connections used up"


async def run(env):
    held = []
    try:
        for _ in range(2):
            await env.cluster.value(
                """SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity
                    WHERE usename = 'switchboard' ORDER BY random() LIMIT 20) x""")
            while (connection := connect(env.cluster)) is not None:
                held.append(connection)
        env.note("connections taken", len(held))
        env.require(held, "no connection could be taken")
        await asyncio.sleep(env.seconds)
    finally:
        for connection in held:
            connection.close()
    env.note("back after s", await env.resumed())


def connect(cluster):
    """One idle session of a role without privileges; None when the server takes no more."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(5)
    connection.connect(f"{cluster.directory}/.s.PGSQL.{cluster.port}")
    text = b"user\0outsider\0database\0switchboard\0\0"
    connection.sendall(struct.pack("!ii", 8 + len(text), 196608) + text)
    # Authentication succeeds even where only superusers' slots are left: it counts when the server waits for a query.
    with connection.makefile("rb") as answers:
        while (kind := answers.read(1)) not in (b"Z", b"E", b""):
            answers.read(struct.unpack("!i", answers.read(4))[0] - 4)
    if kind == b"Z":
        return connection
    connection.close()
    return None
