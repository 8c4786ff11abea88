"""Old and new program on one database: side by side over a harmless migration; a breaking one shuts the old out."""

import asyncio
import os
import shutil

TITLE = "old and new program over a harmless migration; a breaking one refused"


async def run(env):
    newer = root(env, "newer", {"9001_chaos_harmless.sql": (
        "-- breaking: no\nCREATE TABLE chaos_notes (id uuid PRIMARY KEY);\n"
        "ALTER TABLE contacts ADD COLUMN chaos_note text;\n")})
    # A new process migrates at its start, under load, while the old ones work on.
    for name, part in (("api-new", "api"), ("worker-new", "worker")):
        await env.add(name, part, root=newer).start()
    await asyncio.sleep(env.seconds / 3)
    # And an old one may still come, as in a roll-back.
    for name in ("api-1", "worker-1"):
        code, _ = await env.programs[name].terminate()
        env.require(code == 0, f"{name} ended with {code}")
        await env.programs[name].start()
    await asyncio.sleep(env.seconds / 3)
    breaking = root(env, "breaking", {
        "9001_chaos_harmless.sql": (newer / "sql/migrations/9001_chaos_harmless.sql").read_text(),
        "9002_chaos_breaking.sql": "-- breaking: yes\nALTER TABLE chaos_notes ADD COLUMN body text NOT NULL;\n"})
    env.final_root = breaking
    # The old ones end before; who starts later with the old program is turned away, and the new one serves.
    for name, program in env.programs.items():
        if not name.endswith("-new"):
            code, _ = await program.terminate()
            env.require(code == 0, f"{name} ended with {code}")
    for name in ("api-new", "worker-new"):
        await env.programs[name].terminate()
        env.programs[name].root = breaking
        await env.programs[name].start()
    old = env.programs["worker-1"]
    await old.start(ready=False)
    env.require(await old.ended(20) and old.process.returncode not in (0, None), "the old program was not refused")
    env.require("migration" in old.said(), f"the old program does not say why: {old.said()[-300:]}")
    env.note("the old program said", old.said().strip().splitlines()[-1][:160])
    for name, program in env.programs.items():
        if not name.endswith("-new"):
            program.root = breaking
            await program.start()
    await asyncio.sleep(env.seconds / 3)


def root(env, name, migrations):
    """A root directory with further migrations; everything else is the program's own."""
    directory = env.directory / f"root-{name}"
    shutil.copytree(env.template.root / "sql", directory / "sql")
    os.symlink(env.template.root / "jobs", directory / "jobs")
    os.symlink(env.template.root / "openapi.yaml", directory / "openapi.yaml")
    for file, text in migrations.items():
        (directory / "sql/migrations" / file).write_text(text)
    return directory
