"""A small model and some text on disk, as somebody has them."""

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tiny_models import TEXTS, tiny

from monoglot.cli.main import main
from monoglot.one_model import save


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return `model_folder(architecture)`: a tiny masked language model; read it, do not write."""
    folders: dict[str, Path] = {}

    def build(architecture: str) -> Path:
        if architecture not in folders:
            folders[architecture] = tmp_path_factory.mktemp("models") / architecture
            save(*tiny(architecture), folders[architecture])
        return folders[architecture]

    return build


@pytest.fixture(scope="session")
def text_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with 120 documents, a line each."""
    draw = random.Random(1)
    words = sorted({word for text in TEXTS for word in text.split()})
    lines = [" ".join(draw.choices(words, k=draw.randint(3, 12))) for _ in range(120)]
    file = tmp_path_factory.mktemp("text") / "text.txt"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


@pytest.fixture
def monoglot(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run the command and return what it said."""
    monkeypatch.setenv("COLUMNS", "120")
    return lambda *words, given=None: CliRunner().invoke(main, list(map(str, words)), input=given)


@pytest.fixture
def sentence_encoder(tmp_path: Path) -> Path:
    """Return the folder of a masked language model with what sentence-transformers keeps beside."""
    folder = tmp_path / "sentences"
    save(*tiny("xlm-roberta"), folder)
    modules = ("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize")
    listed = [
        {"idx": number, "name": str(number), "path": path, "type": f"sentence_transformers.{kind}"}
        for number, (kind, path) in enumerate(modules)
    ]
    pooling = {"word_embedding_dimension": 24, "pooling_mode_mean_tokens": True}
    prompts = {"prompts": {"query": "tifla: "}, "default_prompt_name": "query"}
    (folder / "1_Pooling").mkdir()
    for name, about in (
        ("modules.json", listed),
        ("1_Pooling/config.json", pooling),
        ("sentence_bert_config.json", {"max_seq_length": 40}),
        ("config_sentence_transformers.json", prompts),
    ):
        (folder / name).write_text(json.dumps(about), encoding="utf-8")
    return folder
