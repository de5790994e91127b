"""Measurements in processes of their own: memory and thread pools are of one model alone."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from monoglot.deploy import child
from monoglot.errors import UserError
from monoglot.fingerprint import ROOT

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def measure(order: dict[str, Any]) -> dict[str, Any]:
    """Have `child.measured` done in a process of its own, and return what it found.

    Raises `UserError`, with the last line that the process wrote, if it ends before it is done.
    """
    with TemporaryDirectory(prefix="monoglot-") as folder:
        out = Path(folder, "found.json")
        file = Path(folder, "order.json")
        file.write_text(json.dumps(order | {"out": str(out)}), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", child.__name__, str(file)],
            env=_environment(order["threads"]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        if done.returncode or not out.is_file():
            raise UserError(f"{_name(order)}: {_reason(done)}")
        return json.loads(out.read_text(encoding="utf-8"))


def _environment(threads: int) -> dict[str, str]:
    """The thread pools that libraries make when they are loaded are as large as asked for."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    pools = {name: str(threads) for name in THREADS}
    return os.environ | pools | {"PYTHONPATH": path, "TOKENIZERS_PARALLELISM": "false"}


def _name(order: dict[str, Any]) -> str:
    threads = "one thread" if order["threads"] == 1 else f"{order['threads']} threads"
    return (
        f"{order['model']}, {order['runtime']} {order['precision']} on {order['device']} "
        f"with {threads}"
    )


def _reason(done: subprocess.CompletedProcess) -> str:
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        hint = "; there may be too little memory" if name == "SIGKILL" else ""
        return f"the process that measures it was ended by {name}{hint}"
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    said = lines[-1].strip().removeprefix("error: ") if lines else f"status {done.returncode}"
    return f"could not be measured ({said.rstrip('.')})"
