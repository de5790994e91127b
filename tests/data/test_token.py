"""The token of the Hub is in no log, message, record or file, whatever goes wrong."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import hub_experiment
import pytest
from hub_experiment import MODEL, NER, TEXT
from hub_stand_in import TOKEN

ROOT = Path(__file__).parents[2]
SECRETS = (TOKEN, hashlib.sha256(TOKEN.encode()).hexdigest())


def leaks(done: subprocess.CompletedProcess, *folders: Path) -> list[str]:
    """Where the token stands, of what a command said and of all files below folders."""
    found = ["output"] if any(secret in done.stdout + done.stderr for secret in SECRETS) else []
    for folder in folders:
        for file in folder.rglob("*"):
            if file.is_file() and any(secret.encode() in file.read_bytes() for secret in SECRETS):
                found.append(str(file))
    return found


@pytest.mark.parametrize(
    "fault",
    [
        *("broken off", "no such file", "gated", "spoilt", "away", "none"),
        pytest.param("server error", marks=pytest.mark.slow),  # the library waits between attempts
    ],
)
def test_whatever_fails_the_token_stays_secret(download, hub, folder, tmp_path, fault):
    parquet, weights = "v1/mt/mt_3.parquet", "model.safetensors"
    if fault == "server error":
        hub.errors = {parquet: [500] * 50, weights: [503] * 50}
    elif fault == "broken off":
        hub.budgets = {parquet: [10] * 50}
    elif fault == "no such file":
        del hub.repositories[f"datasets/{TEXT}"][hub_experiment.COMMITS["text"]]["flores/dev.txt"]
    elif fault == "gated":
        hub.gated = {f"models/{MODEL}", f"datasets/{NER}", f"datasets/{TEXT}"}
    elif fault == "spoilt":
        hub.spoilt = {parquet: b"not what was published"}
    variables = {"HF_TOKEN": TOKEN, "HF_HUB_VERBOSITY": "debug", "TRANSFORMERS_VERBOSITY": "debug"}
    if fault == "away":
        variables["HF_ENDPOINT"] = "http://127.0.0.1:9"
    done = download(**variables)
    assert (done.returncode == 0) == (fault in ("gated", "none")), done.stderr
    assert "Traceback" not in done.stderr
    assert leaks(done, folder, tmp_path / "home") == []


def test_the_token_is_sent_to_the_hub_alone(download, hub, folder):
    """Files of the web are asked for without it."""
    assert download(HF_TOKEN=TOKEN).returncode == 0
    web = [request for request in hub.requests if request.path.startswith("/some-team/treebank")]
    assert web
    assert not any(request.authorised for request in web)
    assert any(request.authorised for request in hub.requests)


def test_logs_of_jobs_do_not_hold_it(folder, variables, hub):
    hub.budgets = {"v1/mt/mt_3.parquet": [10] * 50}
    hub_experiment.write(hub_experiment.configuration(hub, folder), folder / "config.yaml")
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    command += ["--cores", "1", "--verbose", "results/data/mt/text.parquet"]
    environment = {**variables, "HF_TOKEN": TOKEN, "HOME": os.environ.get("HOME", "/")}
    (folder / "scripts").symlink_to(ROOT / "scripts")
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    log = folder / "results/logs/read_text/mt/text.log"
    assert "error: " in log.read_text(encoding="utf-8")
    assert leaks(done, folder) == []
