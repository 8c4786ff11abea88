"""The databases that lines begin with. Each is made once; contestants get copies."""


def queue(number):
    """The words of a message that lead to a team."""
    return f"queue {number:02d}."


def ready(teams=1, agents=50):
    """A maker: migrated, with a workspace, its workflow published, nobody has written."""

    def make(bench, database):
        bench.program.command(database, "migrate", "up")
        return bench.program.prepare(database, teams, agents, queue)

    return make


def copy_ready(bench, teams=1, agents=50):
    """A copy of a database in which everything is ready and nobody has written."""
    return bench.copy(f"ready_{teams}", lambda database: ready(teams, agents)(bench, database))


def load(bench, database, workspace, count):
    """Has so many messages of new contacts accepted and not worked on, for the teams in turn."""
    text = "Where is my new card? I have been waiting for it since last week, {}"
    teams = len(workspace.teams)
    bench.program.accept(database, workspace, count, lambda number: text.format(queue(number % teams)))
    database.execute("VACUUM ANALYZE")


def copy_loaded(bench, count, teams=1, agents=50):
    """A copy of a database in which so many messages were accepted and not worked on."""

    def make(database):
        workspace = ready(teams, agents)(bench, database)
        load(bench, database, workspace, count)
        return workspace

    return bench.copy(f"loaded_{teams}_{count}", make)


def variables(workspace, **more):
    """For SQL files: what every ceiling must know."""
    return {
        "workspace": workspace.id, "channel": workspace.channel, "workflow": workspace.workflow,
        "several": int(len(workspace.teams) > 1), **more,
    }
