"""What a SLURM cluster on one machine is configured by; see `cluster.py` beside this."""

import os
import socket
from pathlib import Path

NODES = ("n0", "n1")
CPUS = 2
MEMORY = 4000
"""Megabytes a node says it has."""

SLURM_CONF = """\
ClusterName=small
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmUser=root
AuthType=auth/munge
CredType=cred/munge
# A job that is queued again waits as long as its credentials were valid.
AuthInfo=socket={folder}/munge.socket,cred_expire=15
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/log/slurmctld
SlurmdLogFile={folder}/log/slurmd-%n
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny

# Plain processes: no cgroups, no systemd. What a job uses is looked at every second instead, and
# a job over its memory is killed.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill

SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
# Nodes may say they have more than the machine.
SlurmdParameters=config_overrides

# Everything soon.
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=2,sched_interval=2,batch_sched_delay=0
SlurmdTimeout=10
KillWait=10
ReturnToService=2
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE

AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={database_port}
# AuthInfo is not for the way to slurmdbd: there the socket of munge stands here.
AccountingStoragePass={folder}/munge.socket
AccountingStorageTRES=gres/gpu
AccountingStoreFlags=job_comment

{nodes}
PartitionName=main Nodes=n[0-1] Default=YES DefMemPerCPU=256 MaxTime=02:00:00 State=UP
PartitionName=gpu Nodes=n[0-1] DefMemPerCPU=256 MaxTime=02:00:00 State=UP
PartitionName=urgent Nodes=n[0-1] PriorityTier=10 PreemptMode=OFF MaxTime=02:00:00 State=UP
"""

NODE = (
    "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={cpus} Boards=1 "
    "SocketsPerBoard=1 CoresPerSocket={cpus} ThreadsPerCore=1 RealMemory={memory} Gres=gpu:1 "
    "State=UNKNOWN"
)

SLURMDBD_CONF = """\
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={database_port}
SlurmUser=root
PidFile={folder}/slurmdbd.pid
LogFile={folder}/log/slurmdbd
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={sql_port}
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm_acct_db
"""


def write_files(folder: Path) -> dict[str, object]:
    """Write the configuration of a cluster into `folder` and return the values in it."""
    for name in ("log", "state", *(f"spool/{node}" for node in NODES)):
        (folder / name).mkdir(parents=True)
    ports = free_ports(3 + len(NODES))
    values: dict[str, object] = {
        "folder": folder,
        "host": socket.gethostname().split(".")[0],
        **dict(zip(("controller_port", "database_port", "sql_port"), ports, strict=False)),
    }
    about = {"host": values["host"], "cpus": CPUS, "memory": MEMORY}
    named = zip(NODES, ports[3:], strict=True)
    values["nodes"] = "\n".join(NODE.format(name=n, port=port, **about) for n, port in named)
    (folder / "slurm.conf").write_text(SLURM_CONF.format_map(values))
    (folder / "slurmdbd.conf").write_text(SLURMDBD_CONF.format_map(values))
    (folder / "slurmdbd.conf").chmod(0o600)
    # SLURM hands out the null device as a GPU.
    (folder / "gres.conf").write_text("Name=gpu File=/dev/null\n")
    (folder / "munge.key").write_bytes(os.urandom(128))
    (folder / "munge.key").chmod(0o400)
    return values


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback device that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
