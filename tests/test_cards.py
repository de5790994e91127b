import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from card_inputs import PROVENANCE, made
from huggingface_hub import ModelCard

from monoglot.cards import parse_spec, render
from monoglot.errors import UserError
from monoglot.escapes import markdown
from monoglot.provenance import read as read_provenance
from monoglot.tables.scores import read_scores

ROOT = Path(__file__).parents[1]


@pytest.fixture
def inputs(tiny_checkpoint, tmp_path):
    return made(tiny_checkpoint("xlm-roberta"), tmp_path / "results")


def card(inputs, **changes) -> str:
    spec, records = inputs
    return render(parse_spec(json.dumps(spec | changes)), read_scores(records))


def test_the_hubs_own_class_reads_the_metadata(inputs):
    data = ModelCard(card(inputs)).data
    assert data.language == ["mt"]
    assert (data.license, data.base_model) == ("mit", "owner/base")
    assert (data.pipeline_tag, data.library_name) == ("fill-mask", "transformers")
    assert data.datasets == ["owner/text"]
    assert data.model_name == "xlmr-mt-kd-vocab"
    f1, accuracy = data.eval_results
    assert (f1.task_type, f1.metric_type, f1.metric_name) == (
        "text-classification",
        "f1",
        "Macro F1",
    )
    assert (f1.dataset_type, f1.dataset_config, f1.dataset_split) == ("owner/tc", "mt", "test")
    assert f1.dataset_revision == "b" * 40
    assert f1.metric_value == 0.5
    assert f1.metric_args == {"seeds": 3, "standard_deviation": 0.1732}
    assert accuracy.metric_type == "accuracy"


@pytest.mark.parametrize(
    ("license", "on_the_hub", "name"),
    [
        ("apache-2.0", "apache-2.0", None),
        ("unknown", "unknown", None),
        ("For research: no sale", "other", "for-research-no-sale"),
    ],
)
def test_a_licence_that_the_hub_does_not_know_is_other(inputs, license, on_the_hub, name):
    data = ModelCard(card(inputs, license=license)).data
    assert (data.license, data.license_name) == (on_the_hub, name)


def test_names_are_text_on_a_card(inputs):
    def body(name: str) -> str:
        sources = [one | {"used": name, "name": name} for one in inputs[0]["sources"]]
        changes = {"model": name, "languages": {"mt": name}, "license": name, "sources": sources}
        return card(inputs, **changes).split("\n---\n", 1)[1]

    name = "a|b [c](d) <i>e</i> ![f](g) `h` *j*"
    assert body(name).replace(markdown(name), "N") == body("N")


def test_scores_stand_beside_those_of_the_steps_before(inputs):
    text = card(inputs)
    assert "| base | 1.2 million | 60.00 ± 10.00 |" in text
    assert "| **kd-vocab** | 123,456 | 50.00 ± 17.32 |" in text
    assert "| most frequent class | – | 25.00 |" in text
    assert "90% fewer parameters than `base`" in text
    assert "kd-init | " not in text.split("## How it was made")[0]


def test_models_as_they_are_have_no_seeds_on_a_card(inputs):
    spec, files = inputs
    records = []
    for file in (one for one in files if one.stem == "seed1"):
        scores = {"bitext_accuracy": 0.75, "bitext_f1": 0.5, "majority": 0.01}
        found = json.loads(file.read_text()) | {"task": "bitext", "scores": scores}
        records.append(found | {"metric": "bitext_accuracy", "score": 0.75})
    about = {"tasks": {"bitext": {"kind": "retrieval"}}}
    about |= {"test_sources": {"mt": {"bitext": spec["test_sources"]["mt"]["tc"]}}}
    text = render(parse_spec(json.dumps(spec | about)), records)
    assert "| **kd-vocab** | 123,456 | 75.00 |" in text
    assert "| by chance | – | 1.00 |" in text
    assert "BITEXT, Bitext accuracy" in text
    assert "In percent, on the test set. Nothing is trained for BITEXT:" in text
    assert "The encoder was trained once" not in text
    assert "task adapter" not in text
    first = ModelCard(text).data.eval_results[0]
    assert (first.task_type, first.metric_value, first.metric_args) == ("BitextMining", 0.75, None)


def test_it_says_how_it_was_made_and_what_is_not_known(inputs):
    text = card(inputs)
    assert f"1. `base`: `owner/base` at commit `{'a' * 40}`, as it was published." in text
    assert "2. `kd-init`: `base`, fewer layers. Settings: layers 2." in text
    assert "3. `kd-vocab`: `kd-init`, a smaller vocabulary. Settings: size 400." in text
    assert "Trimmed from 1,600 pieces to 405" in text
    assert "| unknown tokens | 0.000% | 1.000% |" in text
    assert "tested on 100 texts" in text
    assert "up to 5.0 points" in text
    assert "| training text, Maltese | owner/text | unknown |" in text
    assert f"- `config.json`: `{'12' * 32}`" in text
    assert "invented" not in text
    assert "invented" in card(inputs, invented=True)
    assert "started untrained" in card(inputs, head="fresh")


def test_it_says_which_test_sentences_are_in_the_text(inputs, tmp_path):
    assert "are in" not in card(inputs)
    about = {"split": "test", "within": "text", "sentences": 601}
    rows = [{"task": "tc", "found": 591} | about, {"task": "pos", "found": 7} | about]
    (tmp_path / "mt.json").write_text(json.dumps([*rows, rows[0] | {"found": 0, "split": "dev"}]))
    text = card(inputs, overlaps={"Maltese": str(tmp_path / "mt.json")})
    assert "- Maltese: 591 of 601 test sentences of tc are in the text: its score is" in text
    assert text.count(" are in ") == 1


def test_it_says_what_energy_it_took_if_that_is_known(inputs):
    assert "## Energy" not in card(inputs)
    folder = Path(inputs[0]["steps"][2]["folder"])
    used = PROVENANCE | {"cpu_seconds": 3600.0, "gpu_joules": None}
    (folder / "provenance.json").write_text(json.dumps(used))
    assert "The 1 job behind this checkpoint" in card(inputs)
    assert "took about 4 Wh, or 1.9 g of CO2 with the world's average electricity" in card(inputs)
    assert "or 1.52 g of CO2 with the electricity of DEU" in card(inputs, country="DEU")


def test_settings_that_a_loss_does_not_look_at_are_left_out(inputs):
    spec, _ = inputs
    settings = {"loss": "none", "alpha": 0.5, "temperature": 2, "steps": 10}
    spec["steps"][1] |= {"operation": "train", "settings": settings, "text": {"mt": 0.1, "sk": 1}}
    assert "on text of mt × 0.1, sk × 1. Settings: loss none, steps 10." in card(inputs)
    spec["steps"][1] |= {"teacher": "base", "settings": settings | {"loss": "mse"}}
    wanted = "distilled from `base`, on text of mt × 0.1, sk × 1. "
    assert wanted + "Settings: alpha 0.5, loss mse, steps 10." in card(inputs)


def test_the_same_files_give_the_same_bytes_whatever_their_order(inputs):
    spec, records = inputs
    assert card(inputs) == card((spec, records[::-1]))


def test_what_is_no_whole_result_is_refused(inputs):
    spec, records = inputs
    with pytest.raises(UserError, match="no record is of the variant 'kd-vocab'"):
        card((spec, records[:3]))
    with pytest.raises(UserError, match="two records are of xlmr/mt/base/tc and seed 1"):
        card((spec, [*records, records[0]]))
    with pytest.raises(UserError, match="is no block of a card"):
        parse_spec('{"steps": []}')
    (Path(spec["steps"][2]["folder"]) / "trim_report.json").write_text("{")
    with pytest.raises(UserError, match=r"trim_report\.json: cannot be read"):
        card(inputs)


def run(*command: object, cwd: Path) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
    )


def test_the_script_writes_a_card_whose_code_loads_the_checkpoint(inputs):
    spec, records = inputs
    folder = Path(spec["steps"][2]["folder"])
    done = run(
        *(ROOT / "scripts" / "card.py", "--records", *records),
        *("--spec", json.dumps(spec), "--out", folder / "README.md"),
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert text == card(inputs)
    said = read_provenance(folder / "README.provenance.json")
    assert set(said["outputs"]) == {"README.md"}
    assert {"config.json", "trim_report.json", "../../any/base/provenance.json"} <= set(
        said["inputs"]
    )
    block = re.search(r"```python\n(.*?)```", text, flags=re.DOTALL)[1]
    loaded = run("-c", block + "\nprint(type(model).__name__)", cwd=folder)
    assert loaded.stdout == "XLMRobertaForMaskedLM\n", loaded.stderr
