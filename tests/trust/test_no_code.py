"""Nothing that comes with a checkpoint, a configuration or a record is ever run."""

import ast
import json
import pickle
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from safetensors.torch import load_file

from monoglot import config
from monoglot.checkpoints import load_model
from monoglot.data.sources import parse_source
from monoglot.errors import UserError
from monoglot.evaluate.adapter_models import load_encoder
from monoglot.operations.pretrained import pretrained
from monoglot.tables.base import parse_block
from monoglot.tokens.store import build_store

ROOT = Path(__file__).parents[2]
SOURCES = [
    *(ROOT / "monoglot").rglob("*.py"),
    *(ROOT / "scripts").glob("*.py"),
    *(ROOT / "benchmarks").glob("*.py"),
]
MODULES = {"pickle", "cPickle", "dill", "joblib", "marshal", "shelve", "zipfile", "tarfile"}
CALLS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "torch.load"}
CALLS |= {"torch.save", "shutil.unpack_archive", "np.load", "numpy.load", "yaml.unsafe_load"}
CALLS |= {"yaml.full_load", "yaml.load_all"}


class Touch:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self.path,)


@pytest.fixture
def marker(tmp_path: Path) -> Iterator[Path]:
    """The file that code would make, if it was run; it must not be there in the end."""
    yield tmp_path / "code_was_run"
    assert not (tmp_path / "code_was_run").exists()


@pytest.fixture
def checkpoint(tiny_checkpoint: Callable[[str], Path], tmp_path: Path) -> Path:
    return shutil.copytree(tiny_checkpoint("bert"), tmp_path / "checkpoint")


def readers(checkpoint: Path, out: Path) -> dict[str, Callable[[], object]]:
    return {
        "pretrained": lambda: pretrained(checkpoint, out, "bert"),
        "load_model": lambda: load_model(checkpoint),
        "load_encoder": lambda: load_encoder(checkpoint),
    }


def test_the_pickle_of_this_test_would_run_code(tmp_path):
    pickle.loads(pickle.dumps(Touch(tmp_path / "made")))
    assert (tmp_path / "made").exists()


def test_pickled_weights_are_refused(checkpoint, marker, tmp_path):
    (checkpoint / "model.safetensors").unlink()
    (checkpoint / "pytorch_model.bin").write_bytes(pickle.dumps(Touch(marker)))
    for name, reader in readers(checkpoint, tmp_path / "out").items():
        with pytest.raises(UserError, match=r"no model\.safetensors"):
            reader()
        assert not marker.exists(), name


def test_pickled_weights_beside_safetensors_are_left_alone(checkpoint, marker, tmp_path):
    for name in ("pytorch_model.bin", "model.pt", "training_args.bin", "tf_model.h5"):
        (checkpoint / name).write_bytes(pickle.dumps(Touch(marker)))
    for reader in readers(checkpoint, tmp_path / "out").values():
        reader()
    expected = load_file(checkpoint / "model.safetensors")
    assert load_file(tmp_path / "out" / "model.safetensors").keys() == expected.keys()


def test_a_pickle_under_the_name_of_safetensors_is_refused(checkpoint, marker, tmp_path):
    (checkpoint / "model.safetensors").write_bytes(pickle.dumps(Touch(marker)))
    for reader in readers(checkpoint, tmp_path / "out").values():
        with pytest.raises(UserError, match="the weights cannot be read"):
            reader()


@pytest.mark.parametrize("model_type", ["bert", "someone-elses"])
def test_a_models_own_code_is_refused(checkpoint, marker, tmp_path, model_type):
    with_code(checkpoint, marker)
    edit(
        checkpoint / "config.json",
        model_type=model_type,
        auto_map={
            "AutoConfig": "own_code.OwnConfig",
            "AutoModel": "own_code.OwnModel",
            "AutoModelForMaskedLM": "own_code.OwnModel",
        },
    )
    for reader in readers(checkpoint, tmp_path / "out").values():
        with pytest.raises(UserError, match=r"\(auto_map\), and code of a checkpoint is never run"):
            reader()


@pytest.mark.parametrize("file", ["tokenizer_config.json", "generation_config.json"])
def test_code_of_a_tokenizer_or_a_generation_is_refused(checkpoint, marker, tmp_path, file):
    with_code(checkpoint, marker)
    own = {"AutoTokenizer": ["own_code.OwnTokenizer", "own_code.OwnTokenizer"]}
    edit(checkpoint / file, auto_map=own)
    for reader in readers(checkpoint, tmp_path / "out").values():
        with pytest.raises(UserError, match=rf"{file} names code of its own \(auto_map\)"):
            reader()


def test_a_tokenizers_own_class_is_not_run(checkpoint, marker, tmp_path):
    with_code(checkpoint, marker)
    edit(checkpoint / "tokenizer_config.json", tokenizer_class="OwnTokenizer")
    for reader in readers(checkpoint, tmp_path / "out").values():
        try:
            reader()
        except UserError as error:
            assert "the tokenizer cannot be read" in str(error)  # noqa: PT017
    build_store(["il kelb"], checkpoint, tmp_path / "store")


def with_code(checkpoint: Path, marker: Path) -> None:
    (checkpoint / "own_code.py").write_text(
        f"from pathlib import Path\nPath({str(marker)!r}).touch()\n"
        "class OwnConfig: pass\nclass OwnModel: pass\nclass OwnTokenizer: pass\n"
    )


def edit(file: Path, **keys: object) -> None:
    known = json.loads(file.read_text()) if file.is_file() else {}
    file.write_text(json.dumps(known | keys))


def test_yaml_makes_no_objects(marker, tmp_path):
    path = f"!!python/object/apply:pathlib.Path [{marker}]"
    bad = f"a: !!python/object/apply:pathlib.Path.touch [{path}]"
    (tmp_path / "bad.yaml").write_text(bad)
    for read in (
        lambda: config.read(str(tmp_path / "bad.yaml"), "--config"),
        lambda: config.extended({"extends": str(tmp_path / "bad.yaml")}),
        lambda: parse_source(bad),
        lambda: parse_block(bad),
        lambda: parse_block(str(tmp_path / "bad.yaml")),
    ):
        with pytest.raises(UserError, match="could not determine a constructor"):
            read()


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_source_can_unpickle_unpack_or_evaluate(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", "") or ""]
            assert not MODULES & {name.partition(".")[0] for name in names}
        if isinstance(node, ast.Call):
            called, given = ast.unparse(node.func), {k.arg: k.value for k in node.keywords}
            assert called not in CALLS, called
            assert "shell" not in given, called
            assert called != "yaml.load" or ast.unparse(given["Loader"]) in ("LOADER", "UniqueKeys")
            if called.endswith(".from_pretrained") and "benchmarks" not in str(path):
                assert ast.unparse(given["trust_remote_code"]) == "False"
                assert ast.unparse(given["local_files_only"]) == "True"


def test_rules_quote_what_they_are_given():
    """Only flags made by `shlex.join`, numbers and names of scripts stand in a command unquoted."""
    for path in (ROOT / "rules").glob("*.smk"):
        text = path.read_text(encoding="utf-8")
        for command in re.findall(r"shell:\n((?: +\".*\"\n)+)", text):
            for field in re.findall(r"\{([^}]+)\}", command):
                safe = field.endswith(":q") or field.startswith(
                    ("params.", "resources.", "threads")
                )
                assert safe, f"{path.name}: {field}"
        assert not re.search(r"\bshell\(", text)
        assert not re.search(r"^ *run:", text, re.MULTILINE)
