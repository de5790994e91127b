"""The download command: whole, resumed, checked, refused; always against the stand-in."""

import hashlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import hub_experiment
import pytest
import yaml
from hub_experiment import COMMITS, MODEL, NER, TEXT, TREEBANK, WEB_FOLDER
from hub_stand_in import TOKEN, git_sha1

from monoglot.data.download import all_needs
from monoglot.data.hub import git_sha1 as git_sha1_of_file
from monoglot.data.readers import SPLITS
from monoglot.files import sha256
from monoglot.graph import Graph

ROOT = Path(__file__).parents[2]
OFFLINE = {"HF_HUB_OFFLINE": "1"}
WEIGHTS = "model.safetensors"


def refusal(done) -> str:
    """What the command refused with: one line."""
    assert done.returncode == 1, done.stdout
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("error: ")
    return done.stderr


def listed(folder) -> list[dict]:
    return json.loads((folder / "results/manifest.json").read_text())["files"]


def weights_of(cache):
    return cache / f"models--{MODEL.replace('/', '--')}/snapshots/{COMMITS['model']}/{WEIGHTS}"


def test_everything_needed_is_fetched_once_and_listed(download, hub, folder, cache):
    first = download()
    assert first.returncode == 0, first.stderr
    assert first.stderr == ""
    assert "24 files" in first.stdout
    by_id = {}
    for about in listed(folder):
        by_id.setdefault(about["id"], {})[about["path"]] = about
    crawl = [f"v1/mt/mt_{n}.parquet" for n in range(12)]
    assert set(by_id[TEXT]) == {*crawl, "flores/dev.txt", "flores/devtest.txt"}
    assert set(by_id[MODEL]) == {
        "config.json", WEIGHTS, "tokenizer.json", "tokenizer_config.json"
    }  # fmt: skip
    assert len(by_id[NER]) == 3
    for split, name in TREEBANK.items():
        about = by_id[f"{hub.address}{WEB_FOLDER}/{name}"][f"data/treebank/{name}"]
        content = (folder / about["path"]).read_bytes()
        assert content == hub_experiment.conllu(split)
    weights = by_id[MODEL][WEIGHTS]
    assert weights["sha256"] == sha256(weights_of(cache))
    assert weights["size"] == weights_of(cache).stat().st_size
    manifest = (folder / "results/manifest.json").read_bytes()
    hub.requests.clear()
    again = download()
    assert again.returncode == 0
    assert hub.requests == []
    assert (folder / "results/manifest.json").read_bytes() == manifest


def test_files_of_a_sentence_encoder_come_along(download, hub, folder):
    """Those of its modules lie in folders, whose names `modules.json` has."""
    model = hub.repositories[f"models/{MODEL}"][COMMITS["model"]]
    more = dict.fromkeys(["modules.json", "1_Pooling/config.json"], b"{}")
    more |= {"2_Dense/config.json": b"{}", "2_Dense/model.safetensors": b"weights"}
    model |= {**more, "onnx/config.json": b"{}", "2_Dense/pytorch_model.bin": b"pickle"}
    done = download()
    assert done.returncode == 0, done.stderr
    found = {about["path"] for about in listed(folder) if about["id"] == MODEL}
    assert found == {*more, "config.json", WEIGHTS, "tokenizer.json", "tokenizer_config.json"}
    hub.repositories.clear()
    assert download("--check", **OFFLINE).returncode == 0


def test_afterwards_no_network_is_needed(download, hub, folder):
    assert download().returncode == 0
    manifest = (folder / "results/manifest.json").read_bytes()
    hub.repositories.clear()
    hub.web.clear()
    checked = download("--check", **OFFLINE)
    assert checked.returncode == 0, checked.stderr
    assert "all as in results/manifest.json" in checked.stdout
    assert download(**OFFLINE).returncode == 0
    assert (folder / "results/manifest.json").read_bytes() == manifest


def test_a_dry_run_says_what_would_be_fetched_and_fetches_nothing(download, hub, folder, cache):
    plan = download("--dry-run")
    assert plan.returncode == 0, plan.stderr
    size = len(hub.repositories[f"models/{MODEL}"][COMMITS["model"]][WEIGHTS])
    line = next(line for line in plan.stdout.splitlines() if WEIGHTS in line)
    assert line.split()[:4] == ["to", "fetch", f"{size / 1000:.3g}", "kB"]
    assert "to fetch: 24 files" in plan.stdout
    assert not (folder / "results").exists()
    assert not weights_of(cache).exists()
    assert hub.starts(WEIGHTS) == []
    assert download().returncode == 0
    assert "to fetch: 0 files" in download("--dry-run").stdout


@pytest.mark.parametrize("path", ["v1/mt/mt_10.parquet", f"{WEB_FOLDER}/train.conllu"])
def test_an_interrupted_download_goes_on_where_it_stopped(download, hub, folder, cache, path):
    """The library writes a download in blocks of ten MiB; what it has written is kept."""
    whole = bytes(range(256)) * (25 * 4096)
    files = hub.web if path in hub.web else hub.repositories[f"datasets/{TEXT}"][COMMITS["text"]]
    files[path] = whole
    hub.budgets[path] = [12 << 20, 0, 0, 0, 0]
    message = refusal(download())
    assert f"{path}: the connection broke off; start again" in message
    assert hub.starts(path) == [0, *[10 << 20] * 4]
    assert not (folder / "results/manifest.json").exists()
    assert not list(cache.glob(f"*/snapshots/*/{path.strip('/')}"))
    assert not (folder / "data/treebank/train.conllu").exists()
    hub.requests.clear()
    assert download().returncode == 0
    assert hub.starts(path) == [10 << 20]
    about = next(about for about in listed(folder) if about["size"] == len(whole))
    assert about["sha256"] == hashlib.sha256(whole).hexdigest()


def test_one_broken_connection_is_no_failure(download, hub):
    hub.budgets[WEIGHTS] = [1000]
    assert download().returncode == 0
    assert hub.starts(WEIGHTS) == [0, 0]


@pytest.mark.parametrize("mode", [(), ("--dry-run",)])
@pytest.mark.parametrize("offline", [OFFLINE, {"HF_ENDPOINT": "http://127.0.0.1:9"}])
def test_without_network_and_cache_the_ways_on_are_named(download, mode, offline):
    message = refusal(download(*mode, **offline))
    assert "and the Hub cannot be reached; either start again where there is a network" in message
    assert "models.NAME.folder" in message
    assert "download.py" not in message


def test_a_passing_error_of_the_server_is_no_failure(download, hub):
    hub.errors["v1/mt/mt_3.parquet"] = [500]
    assert download().returncode == 0


def test_an_interruption_is_one_line_and_leaves_no_manifest(folder, hub, variables):
    hub.errors["flores/dev.txt"] = [500] * 5  # after which it waits, each time longer
    command = [sys.executable, str(ROOT / "scripts/download.py")]
    pipe = subprocess.PIPE
    running = subprocess.Popen(command, cwd=folder, env=variables, stderr=pipe, text=True)
    while not any(request.path.endswith("flores/dev.txt") for request in hub.requests):
        assert running.poll() is None
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    assert running.communicate()[1] == (
        "error: ended by SIGINT before it was done; start it again\n"
    )
    assert running.returncode == 1
    assert not (folder / "results").exists()


def test_nothing_heavy_is_loaded(folder, variables):
    code = (
        "import runpy, sys; sys.argv = [sys.argv[1], '--dry-run']\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n"
        "print({'torch', 'transformers', 'datasets', 'pyarrow', 'snakemake'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code, str(ROOT / "scripts/download.py")]
    environment = {**variables, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "set()", done.stderr


def test_wrong_bytes_of_the_right_size_are_not_taken(download, hub, folder, cache):
    whole = hub.repositories[f"models/{MODEL}"][COMMITS["model"]][WEIGHTS]
    hub.spoilt[WEIGHTS] = bytes(len(whole))
    message = refusal(download())
    assert f"{MODEL} at revision {COMMITS['model']}: {WEIGHTS}: " in message
    assert "has the hash " in message
    assert "the published file has " in message
    assert not (folder / "results/manifest.json").exists()
    hub.spoilt.clear()
    assert download().returncode == 0
    assert weights_of(cache).read_bytes() == whole


def test_a_web_file_with_another_hash_is_not_taken(download, hub, folder):
    hub.web[f"{WEB_FOLDER}/dev.conllu"] += b"# more\n"
    message = refusal(download())
    expected = yaml.safe_load((folder / "config.yaml").read_text())["data"]["pos"]["mt"]["sha256"]
    assert expected["dev"] in message
    assert not (folder / "data/treebank/dev.conllu").exists()


def test_half_a_file_of_the_right_size_is_found_by_its_hash(download, hub, cache):
    """As another program may leave it: as long as the whole file, but not filled."""
    whole = hub.repositories[f"models/{MODEL}"][COMMITS["model"]][WEIGHTS]
    blobs = cache / f"models--{MODEL.replace('/', '--')}" / "blobs"
    blobs.mkdir(parents=True)
    assert download("--dry-run").returncode == 0
    name = hashlib.sha256(whole).hexdigest()
    (blobs / f"{name}.incomplete").write_bytes(whole[:1000] + bytes(len(whole) - 1000))
    assert download().returncode == 0
    assert weights_of(cache).read_bytes() == whole


def spoil(path, content: bytes) -> None:
    path.resolve().write_bytes(content)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda path: path.resolve().unlink(), "is missing"),
        (lambda path: spoil(path, b"short"), "has 5 bytes; it must have"),
        (lambda path: spoil(path, bytes(path.stat().st_size)), "has the hash"),
    ],
)
def test_check_names_the_first_changed_file(download, hub, cache, change, says):
    assert download().returncode == 0
    change(weights_of(cache))
    message = refusal(download("--check", **OFFLINE))
    assert f"{MODEL}: {WEIGHTS}: " in message
    assert says in message
    hub.requests.clear()
    assert download().returncode == 0
    assert {r.path.rpartition("/")[2] for r in hub.requests} == {WEIGHTS}
    assert download("--check", **OFFLINE).returncode == 0


def test_check_finds_a_configuration_that_needs_more(download, folder):
    assert "there is no such manifest" in refusal(download("--check"))
    assert download().returncode == 0
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["data"]["heldout"]["mt"]["files"] = ["README.md"]
    hub_experiment.write(config, folder / "config.yaml")
    message = refusal(download("--check", **OFFLINE))
    assert f"data.heldout.mt: README.md of {TEXT} is not in results/manifest.json" in message


def test_what_lies_elsewhere_is_written_to_where_it_is_asked_for(download, folder):
    (folder / "config.yaml").rename(folder / "mine.yaml")
    (folder / "above.yaml").write_text("extends: mine.yaml\nresults: elsewhere\n")
    assert download("--config", "above.yaml").returncode == 0
    assert (folder / "elsewhere/manifest.json").is_file()
    assert download("--config", "above.yaml", "--manifest", "list.json").returncode == 0
    assert (folder / "list.json").is_file()
    assert "--config: none.yaml cannot be read" in refusal(download("--config", "none.yaml"))


def test_a_missing_revision_is_named(download, hub):
    hub.repositories[f"datasets/{NER}"] = {}
    message = refusal(download())
    assert f"{NER} at revision {COMMITS['ner']}: there is no such revision" in message


def test_a_gated_repository_asks_for_the_token_and_no_output_holds_it(download, hub, folder):
    hub.gated.add(f"datasets/{TEXT}")
    message = refusal(download())
    assert f"{TEXT} at revision {COMMITS['text']}: is given only to those who accept" in message
    assert "HF_TOKEN" in message
    wrong = download(HF_TOKEN="hf_wrong")
    assert "hf_wrong" not in refusal(wrong)
    done = download(HF_TOKEN=TOKEN)
    assert done.returncode == 0, done.stderr
    assert TOKEN not in done.stdout + done.stderr
    assert TOKEN not in (folder / "results/manifest.json").read_text()
    asked = [request for request in hub.requests if request.path.startswith(WEB_FOLDER)]
    assert asked
    assert not any(request.authorised for request in asked)


def test_a_model_with_pickled_weights_alone_is_refused_before_any_download(download, hub):
    del hub.repositories[f"models/{MODEL}"][COMMITS["model"]][WEIGHTS]
    message = refusal(download())
    assert f"{MODEL} at revision {COMMITS['model']}: has no weights as safetensors" in message
    assert not any(request.path.endswith("pytorch_model.bin") for request in hub.requests)


def test_files_for_others_to_put_there_are_named(download, folder):
    config = yaml.safe_load((folder / "config.yaml").read_text())
    files = {split: f"{split}.txt" for split in SPLITS}
    config["data"]["pos"]["mt"] = {"format": "token_tag", "files": files}
    hub_experiment.write(config, folder / "config.yaml")
    done = download()
    assert done.returncode == 0
    assert "3 files are to be put there by hand, first data/train.txt (data.pos.mt)" in done.stdout


def test_files_that_a_run_invents_are_no_need():
    demo = yaml.safe_load((ROOT / "configs/demo.yaml").read_text())
    assert all_needs(Graph(demo)) == []
    del demo["data"]["invented"]
    assert len(all_needs(Graph(demo))) == 3 * 3 + 4 * 3


def test_git_names_bytes_as_git_does(tmp_path):
    (tmp_path / "a").write_bytes(b"hello\n")
    assert git_sha1_of_file(tmp_path / "a") == "ce013625030ba8dba906f756967f9e9ca394464a"
    assert git_sha1(b"hello\n") == "ce013625030ba8dba906f756967f9e9ca394464a"
