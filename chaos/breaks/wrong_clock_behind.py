"""One of each kind has a clock an hour behind: the database's and the others' are an hour ahead of it."""

from .wrong_clock import impossible, turn_ahead

TITLE = "clocks an hour behind"
NEEDS = {"server_clock": "+3600s"}

__all__ = ["NEEDS", "TITLE", "impossible", "run"]


async def run(env):
    await turn_ahead(env, "api-2", "worker-2")
