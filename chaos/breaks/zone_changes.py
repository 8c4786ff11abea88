"""A workspace changes its zone, again and again, while schedulers make up for missed nights and are killed."""

import asyncio
import time

TITLE = "a workspace changes its time zone"
NEEDS = {"processes": {"api-1": "api", "worker-1": "worker", "scheduler-1": "scheduler", "scheduler-2": "scheduler"}}

ZONES = ("Pacific/Kiritimati", "America/Los_Angeles", "Europe/Madrid", "Asia/Kathmandu", "Pacific/Pago_Pago", "UTC")


async def run(env):
    end = time.monotonic() + env.seconds
    changes = 0
    while time.monotonic() < end or changes < 3:
        world = env.random.choice(env.worlds)
        answer = await env.load.retried(
            "PATCH", f"/v1/workspaces/{world.id}", env.template.operator_key, {"time_zone": env.random.choice(ZONES)})
        env.require(answer.status == 200, f"the zone could not be changed: {answer.status} {answer.json}")
        changes += 1
        # Nights pass: the last windows are taken away, and those who plan begin again in the zone of now.
        await env.cluster.psql(
            f"""BEGIN;
                LOCK TABLE job_runs, job_results IN EXCLUSIVE MODE;
                DELETE FROM job_results x USING job_runs r WHERE r.workspace_id = x.workspace_id
                    AND r.id = x.job_run_id AND r.workspace_id = '{world.id}'
                    AND r.window_from > now() - interval '5 days';
                DELETE FROM job_runs WHERE workspace_id = '{world.id}' AND window_from > now() - interval '5 days';
                COMMIT""")
        victim = env.random.choice(env.of("scheduler"))
        await victim.kill()
        await victim.start()
        await asyncio.sleep(env.random.uniform(0.2, 1.0))
    env.note("changes", changes)
