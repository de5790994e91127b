"""What a run talks to: the Hub, SLURM, git."""

import os
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator

from monoglot.doctor.findings import FAIL, OK, WARN, Finding
from monoglot.doctor.packages import installed
from monoglot.downloads.preflight import OFFLINE
from monoglot.surroundings import ROOT, git_commit

SECONDS = 5
HUB = "https://huggingface.co"
PLUGIN = "snakemake-executor-plugin-slurm"


def hub(to_fetch: int | None) -> Iterator[Finding]:
    """Say whether the Hub can be reached; `to_fetch` is how many repositories are still needed."""
    address = os.environ.get("HF_ENDPOINT", HUB)
    offline = [
        name for name in OFFLINE if os.environ.get(name, "").lower() in ("1", "true", "yes", "on")
    ]
    reason = f"{offline[0]} is set" if offline else _unreachable(address)
    if reason is None:
        yield Finding("Hub", OK, f"{address} answers")
    elif to_fetch:
        todo = (
            f"{to_fetch} sets or models are not here yet: run scripts/download.py where there is "
            "a network, and copy its cache."
        )
        yield Finding("Hub", FAIL, f"{address}: {reason}", todo)
    elif to_fetch == 0:
        yield Finding("Hub", OK, f"{address}: {reason}, but nothing is needed from it")
    else:
        todo = "Only what is in the cache or in local folders can be used; see docs/data.md."
        yield Finding("Hub", WARN, f"{address}: {reason}", todo)


def token() -> Iterator[Finding]:
    """Say whether there is a token for the Hub, but not which."""
    from huggingface_hub import get_token

    said = "there is one" if get_token() else "none; only gated sets and `monoglot push` need one"
    yield Finding("Hub token", OK, said)


def slurm() -> Iterator[Finding]:
    """Say whether this is a SLURM cluster, and Snakemake can use it."""
    if not shutil.which("sbatch"):
        yield Finding("SLURM", OK, "not here; only `monoglot run --slurm` needs it")
        return
    told = subprocess.run(["sbatch", "--version"], capture_output=True, text=True, timeout=30)
    plugin = installed(PLUGIN)
    if told.returncode:
        todo = "SLURM is installed, but does not work: set it up, or leave --slurm alone."
        said = told.stderr.strip().splitlines() or ["sbatch fails"]
        yield Finding("SLURM", WARN, said[-1], todo)
    elif plugin is None:
        todo = f"Install {PLUGIN}: pip install 'monoglot[slurm]'."
        yield Finding("SLURM", WARN, told.stdout.strip(), todo)
    else:
        yield Finding("SLURM", OK, f"{told.stdout.strip()}, plugin {plugin}")


def git() -> Iterator[Finding]:
    """Say which commit this is, which records name."""
    if not shutil.which("git"):
        todo = "Install git, or records will not say which code they come from."
        yield Finding("git", WARN, "not installed", todo)
        return
    commit = git_commit()
    if commit is None:
        yield Finding("git", WARN, f"{ROOT} is no checkout", "Records will name no commit.")
        return
    command = ["git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=no"]
    changed = subprocess.run(command, capture_output=True, text=True, timeout=30).stdout.split("\n")
    edited = [line for line in changed if line.strip()]
    said = f"commit {commit[:12]}" + (f", files edited since: {len(edited)}" if edited else "")
    yield Finding("git", OK, said)


def _unreachable(address: str) -> str | None:
    """Why an address does not answer, None if it does."""
    request = urllib.request.Request(address, method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=SECONDS):
            return None
    except urllib.error.HTTPError as error:
        return None if error.code < 500 else f"answers {error.code}"
    except (OSError, ValueError) as error:
        return f"cannot be reached ({getattr(error, 'reason', error)})"
