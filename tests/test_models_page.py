"""What docs/models.md tells users to run, run on stand-ins for the uploads."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import pytest
import torch
from transformers import BertConfig, BertModel, XLMRobertaForMaskedLM

from monoglot.checkpoints import load_model
from monoglot.operations.pretrained import pretrained

PAGE = Path(__file__).parents[1] / "docs" / "models.md"
LATEST = "f" * 40


@pytest.fixture
def hub(tiny_checkpoint, tmp_path, monkeypatch):
    """Two uploads in pickle form, XLM-R's tokenizer, and what was asked for."""
    xlmr = tiny_checkpoint("xlm-roberta")
    mminilm = XLMRobertaForMaskedLM.from_pretrained(xlmr)
    shape = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    rows = mminilm.config.vocab_size + 35
    minilm = BertModel(BertConfig(vocab_size=rows, intermediate_size=8, **shape))
    for name, model in (("mMini", mminilm), ("Multi", minilm)):
        model.config.save_pretrained(tmp_path / name)
        torch.save(model.state_dict(), tmp_path / name / "pytorch_model.bin")
    asked = []

    def hf_hub_download(hub, file, revision):
        asked.append((hub, file, revision))
        folder = xlmr if hub.startswith("FacebookAI") else tmp_path / hub.split("/")[1][:5]
        return str(folder / file)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", hf_hub_download)
    info = SimpleNamespace(model_info=lambda hub: SimpleNamespace(sha=LATEST))
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: info)
    return asked


def test_the_conversion_gives_folders_that_pretrained_takes(hub, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    exec(code, {})
    printed = capsys.readouterr().out
    assert printed.count(LATEST) == 2
    assert {revision for _, _, revision in hub} >= {LATEST}
    assert all(re.fullmatch("[0-9a-f]{40}", revision) for _, _, revision in hub)
    for name, family, head in (
        ("multilingual-minilm-l12-h384", "bert", "fresh"),
        ("mminilmv2-l12-h384", "xlm-roberta", "trained"),
        ("mminilmv2-l6-h384", "xlm-roberta", "trained"),
    ):
        pretrained(tmp_path / "checkpoints" / name, tmp_path / name, family, head=head)
        tokenizer = json.loads((tmp_path / name / "tokenizer.json").read_text())
        assert load_model(tmp_path / name).config.vocab_size == len(tokenizer["model"]["vocab"])


def test_the_configuration_names_the_folders_and_commits_of_the_page():
    config = (PAGE.parents[1] / "configs" / "small-models.yaml").read_text(encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    folders = re.findall(r"folder: checkpoints/(\S+)", config)
    assert len(folders) == 3
    assert all(f'"{folder}"' in page for folder in folders)
    assert all(commit in page for commit in re.findall(r"revision: (\S+)", config))
