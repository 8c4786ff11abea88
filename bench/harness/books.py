"""What was written: rows by table, so that a ceiling can be shown to have done the same work."""

COUNTED = (
    "agents", "assignments", "comments", "contacts", "conversations", "decisions", "events", "identities",
    "line_entries", "message_receipts", "messages", "outbox", "run_log", "run_signals", "runs", "team_members",
)
# Written once a batch and not once a unit: how many there are is a matter of the batches' sizes.
PER_BATCH = ("decisions",)


class Books:
    """Counts a Switchboard database before and after."""

    def __init__(self, database):
        self._database = database
        self._rows = self._count()
        self._writes = self._written()

    def _count(self):
        counts = " UNION ALL ".join(f"SELECT '{table}', count(*) FROM {table}" for table in COUNTED)
        return {table: int(count) for table, count in self._database.execute(counts)}

    def _written(self):
        # A backend tells its counts at the latest when it ends, which it did when this is asked.
        return self._database.number(
            "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) FROM pg_stat_user_tables "
            "WHERE schemaname = 'public' AND relname NOT LIKE 'bench%'")

    def close(self, measurement):
        """Enters what was written since into the measurement."""
        after = self._count()
        measurement.rows = {
            table: after[table] - self._rows[table] for table in COUNTED if after[table] != self._rows[table]
        }
        measurement.writes = self._written() - self._writes
        return measurement


def differences(ours, theirs):
    """Tables in which two contestants left different numbers of rows for a unit of work; empty when books agree.

    Both counted by messages or runs stored, so that what was under way when the load ended does not matter.
    """
    found = []
    for table in sorted(set(ours.rows) | set(theirs.rows)):
        if table in PER_BATCH:
            continue
        a, b = ours.rows.get(table, 0), theirs.rows.get(table, 0)
        if a * theirs.units != b * ours.units:
            found.append(f"{table}: {a / ours.units:.3f} and {b / theirs.units:.3f} rows a unit")
    return found
