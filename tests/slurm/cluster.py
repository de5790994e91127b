"""A real SLURM cluster of two nodes on this machine, with accounting and a GPU that is none each.

    python tests/slurm/cluster.py

opens a shell with the cluster running. Needs root and the packages of install.sh. All of
the cluster is in one temporary folder and on free ports of the loopback device, but for the link
/etc/slurm/slurm.conf: some commands look there alone, since Snakemake's jobs drop SLURM_CONF.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from cluster_files import NODES, write_files

SYSTEM_CONF = Path("/etc/slurm/slurm.conf")
PREFIX = "slurm-test-"
SQL = """
create database slurm_acct_db;
create user slurm@localhost identified by 'slurm';
create user slurm@'127.0.0.1' identified by 'slurm';
grant all on slurm_acct_db.* to slurm@localhost;
grant all on slurm_acct_db.* to slurm@'127.0.0.1';
"""


class Cluster:
    """Start it with `start`, and stop it with `stop` whatever happens between."""

    def __init__(self) -> None:
        # A short name: paths of sockets have at most 107 characters.
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        self.folder.chmod(0o755)
        self.daemons: dict[str, subprocess.Popen] = {}
        self.values = write_files(self.folder)

    def start(self) -> None:
        """Start all daemons, each when the one it needs answers."""
        self._clear()
        SYSTEM_CONF.parent.mkdir(exist_ok=True)
        SYSTEM_CONF.symlink_to(self.folder / "slurm.conf")
        self._start_munge()
        self._start_database()
        self._daemon("slurmdbd", "slurmdbd", "-D")
        self._until("slurmdbd", lambda: self.answers("sacctmgr", "-n", "show", "cluster"))
        for added in ("cluster small", "account lab", "user root Account=lab"):
            self.ask("sacctmgr", "--immediate", "add", *added.split())
        self._daemon("slurmctld", "slurmctld", "-D")
        self._until("slurmctld", lambda: self.answers("scontrol", "ping"))
        for node in NODES:
            self.start_node(node)
        self._until("nodes", lambda: set(self.states().values()) == {"idle"})

    def start_node(self, node: str) -> None:
        """Start a node's slurmd."""
        self._daemon(node, "slurmd", "-D", "-N", node)

    def kill_node(self, node: str) -> None:
        """Let a node die: its slurmd, what watches over its jobs, and all their processes."""
        jobs = self.ask("squeue", "--noheader", "--nodelist", node, "--format", "%A").split()
        self.daemons[node].kill()
        for process in self.processes(jobs):
            os.kill(process, signal.SIGKILL)

    def processes(self, jobs: list[str]) -> list[int]:
        """Return the processes of jobs and of the daemons that watch over them."""
        marks = {f"SLURM_JOB_ID={job}".encode() for job in jobs}
        names = tuple(f"slurmstepd: [{job}.".encode() for job in jobs)
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                named = (process / "cmdline").read_bytes().startswith(names)
                if named or marks & set((process / "environ").read_bytes().split(b"\0")):
                    found.append(int(process.name))
            except OSError:  # it has ended
                continue
        return found

    def states(self) -> dict[str, str]:
        """Return the state of each node, as `sinfo` says it."""
        lines = self.ask("sinfo", "--noheader", "--Node", "--format", "%N %T", "--partition=main")
        return dict(line.split() for line in lines.splitlines())

    def queue(self) -> list[list[str]]:
        """Return id, state, node and comment of each job in the queue."""
        lines = self.ask("squeue", "--noheader", "--format", "%A|%T|%N|%k").splitlines()
        return [line.split("|") for line in lines]

    def ask(self, *command: str) -> str:
        """Run a command of SLURM and return what it prints; an error if it fails."""
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def answers(self, *command: str) -> bool:
        """Return whether a command succeeds within a few seconds."""
        try:
            return subprocess.run(command, capture_output=True, timeout=5).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    def rest(self) -> None:
        """Cancel all jobs, bring back all nodes, and wait until nothing is going on."""
        self.ask("scancel", "--user=root")
        for node, state in self.states().items():
            if self.daemons[node].poll() is not None:
                self.start_node(node)
            if state.startswith("dr"):
                self.ask("scontrol", "update", f"NodeName={node}", "State=RESUME")
        self._until("nodes", lambda: set(self.states().values()) == {"idle"})

    def stop(self) -> None:
        """End all jobs and daemons and remove every file."""
        if "slurmctld" in self.daemons and self.answers("scancel", "--user=root"):
            end = time.monotonic() + 20
            while time.monotonic() < end and self.queue():
                time.sleep(0.5)
        for daemon in reversed(self.daemons.values()):
            daemon.terminate()
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()
        if SYSTEM_CONF.is_symlink() and SYSTEM_CONF.readlink() == self.folder / "slurm.conf":
            SYSTEM_CONF.unlink()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _clear(self) -> None:
        """Remove what a killed one left; refuse to touch a SLURM that is alive, or is no test."""
        if not os.path.lexists(SYSTEM_CONF):
            return
        left = SYSTEM_CONF.is_symlink() and SYSTEM_CONF.readlink().parent
        mine = left and left.parent == self.folder.parent and left.name.startswith(PREFIX)
        assert mine, f"{SYSTEM_CONF} is there: this machine has a SLURM of its own"
        assert not self.answers("scontrol", "ping"), "another cluster for tests is running"
        SYSTEM_CONF.unlink()
        shutil.rmtree(left, ignore_errors=True)

    def _start_munge(self) -> None:
        self._daemon(
            "munged",
            *("munged", "--foreground", "--force", f"--key-file={self.folder}/munge.key"),
            *(f"--socket={self.folder}/munge.socket", f"--pid-file={self.folder}/munged.pid"),
            *(f"--log-file={self.folder}/log/munged", f"--seed-file={self.folder}/munge.seed"),
        )
        socket = f"--socket={self.folder}/munge.socket"
        self._until("munged", lambda: self.answers("munge", "--no-input", socket))

    def _start_database(self) -> None:
        data, socket = self.folder / "sql", self.folder / "sql.socket"
        options = ("--no-defaults", "--user=root", f"--datadir={data}")
        made = ("--auth-root-authentication-method=socket", "--skip-test-db")
        self.ask("mariadb-install-db", *options, *made)
        self._daemon(
            "mariadbd",
            *("mariadbd", *options, "--bind-address=127.0.0.1"),
            *(f"--port={self.values['sql_port']}", f"--socket={socket}"),
            *(f"--pid-file={self.folder}/mariadbd.pid", f"--log-error={self.folder}/log/mariadbd"),
            *("--innodb-buffer-pool-size=64M", "--innodb-lock-wait-timeout=900"),
        )
        client = ("mariadb", "--no-defaults", f"--socket={socket}", "--execute")
        self._until("mariadbd", lambda: self.answers(*client, "select 1"))
        self.ask(*client, SQL)

    def _daemon(self, name: str, *command: str) -> None:
        """Start a daemon that ends when this process does, even if it is killed."""
        with open(self.folder / "log" / f"{name}.out", "a") as out:
            self.daemons[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=os.environ | {"SLURM_CONF": str(self.folder / "slurm.conf")},
                start_new_session=True,
            )

    def _until(self, what: str, holds: Callable[[], bool], seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not holds():
            logs = "".join(f.read_text()[-2000:] for f in (self.folder / "log").glob(f"{what}*"))
            assert time.monotonic() < end, f"{what} did not start:\n{logs}"
            time.sleep(0.1)


def main() -> None:
    cluster = Cluster()
    try:
        cluster.start()
        subprocess.run([os.environ.get("SHELL", "bash")])
    finally:
        cluster.stop()


if __name__ == "__main__":
    main()
