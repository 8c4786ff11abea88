"""A PostgreSQL of the benchmark's own: durable, on disk, the same for every contestant."""

import glob
import os
import pwd
import shutil
import subprocess
import tempfile
import time

from harness.processes import Failed, cpu_seconds, run

# What differs from PostgreSQL's defaults, printed with every table. Durable like production; sized for the machine.
SETTINGS = {
    "synchronous_commit": "on",
    "fsync": "on",
    "full_page_writes": "on",
    "shared_buffers": "1GB",
    "effective_cache_size": "4GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "max_connections": "300",
    "timezone": "UTC",
    # When a message and its assignment became durable, to the microsecond.
    "track_commit_timestamp": "on",
}


def binaries():
    """The newest PostgreSQL of version 15 or later."""
    found = [
        (int(path.split("/")[4]), path)
        for path in glob.glob("/usr/lib/postgresql/[0-9]*/bin")
        if path.split("/")[4].isdigit() and os.access(f"{path}/initdb", os.X_OK)
    ]
    found = [path for version, path in sorted(found) if version >= 15]
    if not found:
        raise Failed("no PostgreSQL 15 or newer under /usr/lib/postgresql: make packages")
    return found[-1]


class Cluster:
    """Made, started, stopped and removed with the block. On a socket only."""

    def __init__(self, settings=None):
        self.settings = {**SETTINGS, **(settings or {})}
        self.bin = binaries()
        # Not /tmp, which may be memory: an fsync there proves nothing.
        self.directory = tempfile.mkdtemp(prefix="switchboard-bench-", dir="/var/tmp")
        self.port = 5432
        self._child = None
        self._user = None
        if os.getuid() == 0:
            # PostgreSQL does not run as root.
            self._user = next(user for user in ("postgres", "nobody") if self._exists(user))
            os.chmod(self.directory, 0o755)
            shutil.chown(self.directory, self._user)

    @staticmethod
    def _exists(user):
        try:
            return pwd.getpwnam(user) is not None
        except KeyError:
            return False

    def _command(self, *arguments):
        prefix = ["setpriv", "--pdeathsig", "INT"]
        if self._user:
            account = pwd.getpwnam(self._user)
            prefix += ["--reuid", str(account.pw_uid), "--regid", str(account.pw_gid), "--clear-groups"]
        return [*prefix, "--", *arguments]

    def __enter__(self):
        try:
            data = f"{self.directory}/data"
            made = subprocess.run(
                self._command(
                    f"{self.bin}/initdb", "-D", data, "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8",
                    "--auth=trust", "--no-instructions"),
                cwd="/", capture_output=True, text=True)
            if made.returncode != 0:
                raise Failed(made.stderr)
            options = [part for name, value in self.settings.items() for part in ("-c", f"{name}={value}")]
            with open(f"{self.directory}/log", "ab") as log:
                self._child = subprocess.Popen(
                    self._command(
                        f"{self.bin}/postgres", "-D", data, "-k", self.directory, "-p", str(self.port),
                        "-c", "listen_addresses=", *options),
                    cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
            for _ in range(600):
                ready = subprocess.run([f"{self.bin}/pg_isready", "-q", "-h", self.directory], check=False)
                if ready.returncode == 0:
                    return self
                if self._child.poll() is not None:
                    break
                time.sleep(0.05)
            with open(f"{self.directory}/log", errors="replace") as log:
                raise Failed(f"PostgreSQL did not start:\n{log.read()[-2000:]}")
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        if self._child and self._child.poll() is None:
            # INT is the fast stop; setpriv became the server, so this is its pid.
            self._child.send_signal(2)
            try:
                self._child.wait(60)
            except subprocess.TimeoutExpired:
                self._child.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def pid(self):
        return self._child.pid

    def cpu_seconds(self):
        return cpu_seconds(self.pid)

    @property
    def environment(self):
        """For libpq."""
        return {"PGHOST": self.directory, "PGPORT": str(self.port), "PGUSER": "postgres"}

    def database(self, name):
        return Database(self, name)

    def checkpoint(self):
        self.database("postgres").execute("CHECKPOINT")

    @property
    def version(self):
        return self.database("postgres").value("SHOW server_version")


class Database:
    """One database of the cluster."""

    def __init__(self, cluster, name):
        self.cluster, self.name = cluster, name

    @property
    def url(self):
        return f"postgresql://postgres@/{self.name}?host={self.cluster.directory}&port={self.cluster.port}"

    def execute(self, sql):
        """Runs SQL of any number of statements. Returns rows as lists of text."""
        done = run(
            [f"{self.cluster.bin}/psql", "-qXAt", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-d", self.name],
            environment=self.cluster.environment, input=sql)
        return [line.split("\t") for line in done.output.splitlines() if line]

    def value(self, sql):
        rows = self.execute(sql)
        return rows[0][0] if rows else None

    def number(self, sql):
        return int(self.value(sql) or 0)

    def create(self, template=None):
        """Makes it anew: empty, or as a copy of another. A copy begins with a checkpoint, so all start alike."""
        self.drop()
        copy = f'TEMPLATE "{template.name}" STRATEGY file_copy' if template else ""
        self.cluster.database("postgres").execute(f'CREATE DATABASE "{self.name}" {copy}')
        return self

    def drop(self):
        self.cluster.database("postgres").execute(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')
