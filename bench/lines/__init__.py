"""The lines of the table, in the order of its rows. A new one is a file beside this and an entry here."""

from lines import client, drain, growth, inbound, latency, memory, outbox, reads, sustained, workers

ALL = (
    inbound.LINE, drain.LINE, workers.LINE, sustained.LINE, latency.LINE, *reads.LINES, *client.LINES, *outbox.LINES,
    memory.LINE, growth.LINE,
)
