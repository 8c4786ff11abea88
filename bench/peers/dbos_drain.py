"""DBOS: a workflow of five steps that picks an agent in its last, from its queue. Argument: workflows."""

import json
import os
import sys
import time

import sqlalchemy
from dbos import DBOS, DBOSClient, SQLAlchemyDatasource

URL = f"postgresql+psycopg://{os.environ['PGUSER']}@/{os.environ['PGDATABASE']}" \
    f"?host={os.environ['PGHOST']}&port={os.environ['PGPORT']}"
# The settings that were fastest of those tried: 8 threads, 16 workflows at once, 40 connections.
CONFIGURATION = {
    "name": "bench", "system_database_url": URL, "sys_db_pool_size": 40, "log_level": "ERROR", "executor_id": "one",
    "application_version": "1", "max_executor_threads": 8,
}
TABLES = """
CREATE TABLE agents (id integer PRIMARY KEY, team_id integer, open_count integer DEFAULT 0) WITH (fillfactor = 20);
INSERT INTO agents SELECT g, 1 + (g - 1) / 10 FROM generate_series(1, 200) g;
CREATE TABLE assigned (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, conversation bigint);
"""
PICK = """
UPDATE agents SET open_count = open_count + 1 WHERE id = (
    SELECT id FROM agents WHERE team_id = :team ORDER BY open_count, id LIMIT 1 FOR UPDATE SKIP LOCKED)
"""


def define(source):
    @DBOS.step(name="contact")
    def contact(number):
        return {"tier": "vip"}

    @DBOS.step(name="branch")
    def branch(found):
        return "card"

    @DBOS.step(name="field")
    def field(topic):
        return 1

    @DBOS.step(name="tag")
    def tag(done):
        return 1

    @source.transaction(name="assign", isolation_level="READ COMMITTED")
    def assign(team, number):
        session = source.sql_session()
        session.execute(sqlalchemy.text(PICK), {"team": team})
        session.execute(sqlalchemy.text("INSERT INTO assigned (conversation) VALUES (:n)"), {"n": number})
        return 1

    @DBOS.workflow(name="route")
    def route(number):
        tag(field(branch(contact(number))))
        return assign(1 + number % 20, number)


def main(count):
    engine = sqlalchemy.create_engine(URL)
    with engine.begin() as connection:
        for statement in TABLES.split(";\n"):
            if statement.strip():
                connection.execute(sqlalchemy.text(statement))
    DBOS(config=CONFIGURATION)
    define(SQLAlchemyDatasource.create(URL, engine_kwargs={"pool_size": 40}))
    DBOS.launch()
    client = DBOSClient(system_database_url=URL)
    with engine.begin() as connection:
        for number in range(count):
            client.enqueue_in_transaction(
                connection, {"workflow_name": "route", "queue_name": "queue"}, number)
    used = time.process_time()
    DBOS.register_queue("queue", worker_concurrency=16, polling_interval_sec=0.1, on_conflict="always_update")
    settled = "SELECT count(*) FROM dbos.workflow_status WHERE status IN ('SUCCESS', 'ERROR')"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while connection.execute(sqlalchemy.text(settled)).scalar() < count:
            time.sleep(0.2)
        seconds = float(connection.execute(sqlalchemy.text(
            "SELECT (max(updated_at) - min(started_at_epoch_ms)) / 1000.0 FROM dbos.workflow_status")).scalar())
    print(json.dumps({"jobs": count, "seconds": seconds, "cpu": time.process_time() - used}), flush=True)
    # Its threads would keep the process for a while.
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
