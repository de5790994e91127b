"""`monoglot push` against a stand-in for the Hub: what arrives, is refused and is resumed."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from hub_stand_in import Hub, serve
from hub_uploads import NEW
from huggingface_hub import constants, file_download
from huggingface_hub.utils import reset_sessions

from monoglot.cli.main import main
from monoglot.errors import UserError
from monoglot.files import sha256
from monoglot.push import parcel

ROOT = Path(__file__).parents[1]
TOKEN = "hf_a_token_that_may_write"
NAME = "me/small"
CARD = """---
language: [mt]
model-index:
- name: {name}
  results:
  - task: {{type: text-classification}}
    dataset: {{type: tc, name: tc}}
    metrics: [{{type: f1, value: 0.5}}]
---

# A card
"""
ADAPTER = ("adapter_config.json", "adapter.safetensors", "head_config.json")
ADAPTER += ("model_head.safetensors",)


@pytest.fixture
def hub():
    with serve(Hub()) as hub:
        hub.uploads.writers.add(TOKEN)
        yield hub


@pytest.fixture
def checkpoint(tiny_checkpoint, tmp_path) -> Path:
    """Return a checkpoint in a results folder, with card, provenance and one kept adapter."""
    folder = tmp_path / "results" / "models" / "xlmr" / "mt" / "kd"
    shutil.copytree(tiny_checkpoint("xlm-roberta"), folder)
    (folder / "README.md").write_text(CARD.format(name="xlmr-mt-kd"))
    (folder / "provenance.json").write_text("{}")
    adapter = tmp_path / "results" / "adapters" / "xlmr" / "mt" / "kd" / "tc" / "seed1"
    adapter.mkdir(parents=True)
    for name in ADAPTER:
        (adapter / name).write_bytes(name.encode())
    about = {"checkpoint_sha256": sha256(folder / "model.safetensors")}
    (adapter / "adapter_config.json").write_text(json.dumps(about))
    return folder


@pytest.fixture
def push(hub, checkpoint, tmp_path, monkeypatch):
    """Return `push(*options)`, run by a user whose Hub is the stand-in."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    set_endpoint(monkeypatch, hub.address)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    reset_sessions()
    yield lambda *options: CliRunner().invoke(main, ["push", str(checkpoint), NAME, *options])
    reset_sessions()


def set_endpoint(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Let the library, which reads HF_ENDPOINT when it is imported, use another Hub."""
    monkeypatch.setattr(constants, "ENDPOINT", address)
    template = address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(file_download, "HUGGINGFACE_CO_URL_TEMPLATE", template)


def stock(code: str, hub: Hub, home: Path) -> str:
    """Return what code prints that knows nothing of this package."""
    variables = {"PATH": os.environ["PATH"], "NO_PROXY": "127.0.0.1", "HF_HOME": str(home)}
    variables |= {"HF_ENDPOINT": hub.address, "HF_HUB_DISABLE_XET": "1"}
    command = [sys.executable, "-I", "-c", code]
    done = subprocess.run(command, env=variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def held(hub: Hub) -> dict[str, bytes]:
    """Return what the repository holds beside what every new one does."""
    files = hub.repositories[f"models/{NAME}"]["main"]
    return {name: content for name, content in files.items() if name not in NEW}


def test_what_arrives_is_byte_identical_and_stock_code_loads_it(hub, push, checkpoint, tmp_path):
    done = push("--adapters")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith(f"{hub.address}/{NAME} (commit ")
    assert hub.uploads.private == {NAME: True}
    expected = {file.name: file.read_bytes() for file in checkpoint.iterdir()}
    expected.pop("provenance.json")
    adapter = checkpoint.parents[3] / "adapters" / "xlmr" / "mt" / "kd" / "tc" / "seed1"
    expected |= {f"adapters/mt/tc/seed1/{n}": (adapter / n).read_bytes() for n in ADAPTER}
    assert held(hub) == expected
    assert len(hub.uploads.sent) == 3

    again = push("--adapters")
    assert again.exit_code == 0, again.stderr
    assert len(hub.uploads.sent) == 3
    assert hub.uploads.commits == ["Upload the checkpoint with monoglot"]

    code = (
        "from transformers import AutoModel, AutoTokenizer\n"
        f"model = AutoModel.from_pretrained('{NAME}')\n"
        f"print(type(model).__name__, AutoTokenizer.from_pretrained('{NAME}').vocab_size)"
    )
    assert stock(code, hub, tmp_path / "home").startswith("XLMRobertaModel ")


def test_an_upload_that_broke_leaves_nothing_and_is_resumed(hub, push):
    hub.uploads.broken = 1
    failed = push("--adapters")
    assert failed.exit_code == 1
    assert failed.stderr.splitlines()[-1] == (
        f"error: {NAME}: the Hub answered with status 507 (the disk is full); push again later"
    )
    assert held(hub) == {}
    hub.uploads.refuse_commits = True
    assert push("--adapters").exit_code == 1
    assert held(hub) == {}
    sent = len(hub.uploads.sent)
    hub.uploads.refuse_commits = False
    assert push("--adapters").exit_code == 0
    assert len(hub.uploads.sent) == sent == 3
    assert "model.safetensors" in held(hub)


def test_new_weights_take_away_the_adapters_of_the_old_ones(hub, push, checkpoint, tiny_checkpoint):
    assert push("--adapters").exit_code == 0
    hub.repositories[f"models/{NAME}"]["main"]["LICENSE"] = b"added by hand"
    for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tiny_checkpoint("bert") / name, checkpoint / name)
    done = push("--public")
    assert done.exit_code == 0, done.stderr
    assert "removed there: adapters/mt/tc/seed1/adapter.safetensors" in done.stderr
    assert not any(name.startswith("adapters/") for name in held(hub))
    assert held(hub)["LICENSE"] == b"added by hand"
    assert hub.uploads.private == {NAME: True}


def test_a_repository_of_something_else_is_left_alone(hub, push):
    other = {"README.md": b"# No metadata", "pytorch_model.bin": b"1"}
    hub.repositories[f"models/{NAME}"] = {"main": {**NEW, **other}}
    assert "holds other files (README.md, pytorch_model.bin); name another" in push().stderr
    other["README.md"] = CARD.format(name="other").encode()
    hub.repositories[f"models/{NAME}"] = {"main": {**NEW, **other}}
    refused = push()
    assert refused.exit_code == 1
    assert f"error: {NAME}: holds the model 'other'; name another" in refused.stderr
    assert held(hub) == other
    done = push("--overwrite")
    assert done.exit_code == 0, done.stderr
    assert "pytorch_model.bin" not in held(hub)
    assert b"xlmr-mt-kd" in held(hub)["README.md"]


@pytest.mark.parametrize(
    ("token", "endpoint", "offline", "said"),
    [
        ("", None, False, "there is no token for the Hub"),
        ("hf_another", None, False, f"{NAME}: the token has no right to write there"),
        (TOKEN, "http://127.0.0.1:9", False, f"{NAME}: the Hub cannot be reached"),
        (TOKEN, None, True, f"{NAME}: HF_HUB_OFFLINE is set"),
    ],
)
def test_what_the_user_lacks_is_one_sentence(push, monkeypatch, token, endpoint, offline, said):
    monkeypatch.setenv("HF_TOKEN", token)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
    if endpoint:
        set_endpoint(monkeypatch, endpoint)
    done = push("--quiet")
    assert done.exit_code == 1
    assert done.stderr.startswith(f"error: {said}")
    assert done.stderr.count("\n") == 1
    assert "hf_" not in done.stderr


def test_a_card_that_the_hub_does_not_take_is_one_sentence(hub, push):
    hub.uploads.card_error = '"language" must be a code'
    done = push("--quiet")
    assert done.exit_code == 1
    assert done.stderr.startswith(f"error: {NAME}: the Hub does not take it (Invalid metadata in")
    assert done.stderr.endswith('"language" must be a code)\n')
    assert held(hub) == {}


def test_a_dry_run_shows_all_and_contacts_nobody(hub, push, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "")
    done = push("--adapters", "--dry-run")
    assert done.exit_code == 0, done.stderr
    assert "9 files" in done.stdout
    assert "adapters/mt/tc/seed1/model_head.safetensors" in done.stdout
    assert "- name: xlmr-mt-kd" in done.stdout
    assert "# A card" not in done.stdout
    assert hub.requests == []


def test_what_is_no_whole_checkpoint_with_its_card_is_refused(checkpoint, tmp_path):
    with pytest.raises(UserError, match="there is no such folder"):
        parcel(tmp_path / "nothing", False)
    adapter = checkpoint.parents[3] / "adapters" / "xlmr" / "mt" / "kd" / "tc" / "seed1"
    (adapter / "adapter_config.json").write_text('{"checkpoint_sha256": "other"}')
    with pytest.raises(UserError, match="trained on other weights"):
        parcel(checkpoint, True)
    (adapter / "model_head.safetensors").unlink()
    with pytest.raises(UserError, match="there is no model_head"):
        parcel(checkpoint, True)
    shutil.rmtree(adapter.parents[1])
    with pytest.raises(UserError, match="there are no adapters for it"):
        parcel(checkpoint, True)
    weights = checkpoint / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(UserError, match=r"model\.safetensors: is not whole"):
        parcel(checkpoint, False)
    (checkpoint / "README.md").unlink()
    weights.unlink()
    with pytest.raises(UserError, match=r"there is no model\.safetensors"):
        parcel(checkpoint, False)


def test_a_card_that_is_missing_or_older_than_the_checkpoint_is_refused(checkpoint):
    said = {
        **{"script": "scripts/card.py", "arguments": {}, "code": "", "git_commit": None},
        **{"versions": {}, "hardware": {"cpu": "", "cores": 1, "gpu": None}, "started": ""},
        **{"seconds": 1, "inputs": {"config.json": "0" * 64}, "outputs": {}},
    }
    (checkpoint / "README.provenance.json").write_text(json.dumps(said))
    with pytest.raises(UserError, match=r"README\.md: was made before config\.json was made again"):
        parcel(checkpoint, False)
    (checkpoint / "README.md").write_text("---\nlanguage: [\n---\n")
    with pytest.raises(UserError, match=r"README\.md: is no model card"):
        parcel(checkpoint, False)
    (checkpoint / "README.md").unlink()
    with pytest.raises(UserError, match=r"there is no README\.md, the model card; `snakemake"):
        parcel(checkpoint, False)
