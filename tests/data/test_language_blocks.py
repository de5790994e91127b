"""A language's lines of configuration, from what a stand-in for the Hub and a folder hold."""

import inspect
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hub_stand_in import Hub, serve
from huggingface_hub import constants
from huggingface_hub.utils import reset_sessions

from monoglot.cli.experiments import new_language
from monoglot.config import read
from monoglot.data import languages
from monoglot.data.languages import Look, Presence, find, make_block
from monoglot.errors import UserError
from monoglot.graph import Graph
from tests.cli.conftest import monoglot, output  # noqa: F401

FLORES = [
    f"{code}/{split}-00000-of-00001.parquet"
    for code in ("cym_Latn",)
    for split in ("dev", "devtest")
]
FILES = {
    "text": ["v1.0/cym-Latn/cym-Latn_0.parquet", "v1.0/cym-Latn/cym-Latn_1.parquet"],
    "validation": FLORES,
    "tc": [f"data/cym_Latn/{split}.tsv" for split in ("train", "dev", "test")],
    "ner": [f"cy/{split}/0000.parquet" for split in ("train", "validation", "test")],
}
COMMIT = "a" * 40
PAPER = read("config.yaml", "test")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The paper's repositories, with Welsh alone."""
    repositories = {
        f"datasets/{source['hub']}": {source["revision"]: dict.fromkeys(files, b"12345")}
        for name, files in FILES.items()
        for source in [PAPER["data"][name]["default"]]
    }
    with serve(Hub(repositories)) as hub:
        monkeypatch.setattr(constants, "ENDPOINT", hub.address)
        reset_sessions()  # one that was made offline stays so
        for name in ("MASAKHA_POS", "MASAKHA_NER", "AFRISENTI"):
            monkeypatch.setattr(languages, name, f"{hub.address}/{COMMIT}")
        yield hub


@pytest.fixture
def config(tmp_path: Path) -> dict:
    found = Graph({"extends": "config.yaml", "results": str(tmp_path / "out")}).config
    found["data"]["root"] = str(tmp_path / "data")
    return found


def block(config: dict, code: str = "cy", online: bool = True, **more):
    language = find(code)
    return make_block(
        config, language.short, language, Look(config["data"]["root"], online), **more
    )


def treebank(config: dict, name: str, size: int) -> None:
    folder = Path(config["data"]["root"], "ud", name)
    folder.mkdir(parents=True)
    for split in ("train", "dev", "test"):
        (folder / f"cy_x-ud-{split}.conllu").write_text("x" * size)


def test_sets_that_the_hub_has(hub, config):
    found = block(config)
    codes = {"glotcc": "cym-Latn", "flores": "cym_Latn", "wikiann": "cy"}
    assert found.config == {
        "languages": {"cy": {"name": "Welsh", "codes": codes, "tasks": ["tc", "ner"]}}
    }
    assert [one.set for one in found.lacking] == ["sa", "pos"]
    assert "no treebank of Universal Dependencies" in found.lacking[1].presence.said
    by_set = {one.set: one.presence for one in found.found}
    assert (by_set["text"].state, by_set["text"].bytes) == ("there", 10)


def test_a_language_alone_leaves_the_others_out(hub, config):
    config["tables"]["table1"]["languages"] = ["mt", "sk"]
    found = block(config, only=True).config
    assert found["results"] == f"{config['results']}-cy"
    assert found["languages"]["mt"] == {"evaluated": False}
    graph = Graph({"extends": "config.yaml", **found})
    assert graph.evaluated == ["cy"]
    assert graph.table("table1").languages == ["cy"]
    assert all(one.language == "cy" for one in graph.runs)
    shared = {one.language for one in graph.checkpoints} - {"cy"}
    assert shared <= {"any"}


def test_the_second_likeliest_code_is_tried(hub, config):
    files = next(iter(hub.repositories["datasets/unimelb-nlp/wikiann"].values()))
    for name in list(files):
        files[f"cym{name.removeprefix('cy')}"] = files.pop(name)
    assert block(config).config["languages"]["cy"]["codes"]["wikiann"] == "cym"


def test_sets_that_are_absent(hub, config):
    found = block(config, "ga")
    assert {one.set for one in found.lacking} >= {"text", "validation", "heldout", "tc", "ner"}
    assert "cis-lmu/GlotCC-V1 has no v1.0/gle-Latn/*.parquet" in found.lacking[0].presence.said


def test_the_largest_treebank_on_this_machine_is_taken(hub, config):
    treebank(config, "UD_Welsh-Small", 1)
    treebank(config, "UD_Welsh-CCG", 9)
    found = block(config).config
    assert found["languages"]["cy"]["tasks"] == ["tc", "ner", "pos"]
    assert found["data"]["pos"]["cy"] == {
        "format": "conllu",
        "files": {
            split: f"ud/UD_Welsh-CCG/cy_x-ud-{split}.conllu" for split in ("train", "dev", "test")
        },
    }


def test_sets_of_the_web(hub, config):
    for split in ("train", "dev", "test"):
        hub.web[f"/{COMMIT}/data/cym/{split}.tsv"] = b"tweet\tlabel\n"
        hub.web[f"/{COMMIT}/MasakhaNER2.0/data/cym/{split}.txt"] = b"x O\n"
    found = block(config)
    source = found.config["data"]["sa"]["cy"]
    assert source["url"] == f"{hub.address}/{COMMIT}/data/cym"
    assert (source["format"], source["drop_labels"]) == ("afrisenti", ["neutral"])
    # Its NER set has dates, which the task has not; WikiANN, the default, comes first anyway.
    for files in hub.repositories["datasets/unimelb-nlp/wikiann"].values():
        files.clear()
    (lacking,) = [one for one in block(config).lacking if one.set == "ner"]
    assert "MasakhaNER 2 has it, but tasks.ner has no DATE" in lacking.presence.said
    # Where it is the only language, no other one would have to do with them.
    alone = block(config, only=True).config
    assert alone["tasks"] == {"ner": {"labels": ["PER", "ORG", "LOC", "DATE"]}}
    assert alone["data"]["ner"]["cy"]["files"]["train"] == "masakhaner2/cym/train.txt"


def test_without_a_network_the_likeliest_codes_are_taken(config):
    found = block(config, online=False)
    assert found.config["languages"]["cy"]["tasks"] == ["tc", "ner"]
    assert {one.set: one.presence.state for one in found.found} == {
        **dict.fromkeys(["text", "validation", "heldout", "tc", "sa", "ner", "pos"], "unknown")
    }


def test_a_source_that_is_given_must_be_there(config):
    own = {"format": "sentiment", "files": {s: f"{s}.csv" for s in ("train", "dev", "test")}}
    with pytest.raises(UserError, match=r"sa: there is no .*train\.csv; give one that is there"):
        block(config, online=False, sources={"sa": own})


def test_codes_and_sources_that_are_given(hub, config):
    own = {"format": "sentiment", "files": {s: f"{s}.csv" for s in ("train", "dev", "test")}}
    for name in own["files"].values():
        Path(config["data"]["root"]).mkdir(exist_ok=True)
        Path(config["data"]["root"], name).touch()
    found = block(config, codes={"flores": "cym_Xxxx"}, sources={"sa": own}).config
    assert found["data"]["sa"]["cy"] == own
    assert found["languages"]["cy"]["codes"]["flores"] == "cym_Xxxx"
    assert "tc" not in found["languages"]["cy"]["tasks"]


def test_languages_that_are_there_or_have_no_name(config):
    with pytest.raises(UserError, match="has this language already"):
        block(config, "mt", online=False)
    with pytest.raises(UserError, match="give one"):
        block(config, "glv", online=False)


def test_the_command_writes_what_the_project_accepts(hub, monoglot, tmp_path, monkeypatch):  # noqa: F811
    out = tmp_path / "welsh.yaml"
    said = monoglot("new-language", "cy", "--out", str(out))
    output(said)
    assert "ner         there    unimelb-nlp/wikiann on the Hub, 15 B" in said.stderr
    graph = Graph(read(str(out), "test"))
    assert graph.tasks("cy") == ["tc", "ner"]
    again = monoglot("new-language", "cy", "--out", str(out))
    output(again, status=1)
    assert "already exists; give another name, or --force" in again.stderr
    output(monoglot("new-language", "cy", "--out", str(out), "--force", "--as", "welsh"))
    assert yaml.safe_load(out.read_text())["languages"]["welsh"]["name"] == "Welsh"


def test_the_command_says_what_it_could_not_look_at(monoglot):  # noqa: F811
    said = monoglot("new-language", "cy", "--offline")
    unseen = "text, validation, heldout, tc, sa, ner, pos"
    assert f"# Not looked at, for want of a network: {unseen}\n" in output(said)
    assert "sa          unknown  could not be looked at (AfriSenti: " in said.stderr


def examples() -> list[list[str]]:
    """The words of each example of the command's help."""
    said = inspect.cleandoc(new_language.help).partition("Examples:")[2]
    lines = re.sub(r"\n {6,}", " ", said).splitlines()
    commands = [shlex.split(line)[1:] for line in lines if "monoglot" in line]
    return [words for words in commands if words[0] == "new-language"]


@pytest.mark.parametrize("words", examples(), ids=" ".join)
def test_the_examples_of_the_help(monoglot, words, tmp_path, monkeypatch):  # noqa: F811
    there = Presence("there", "here")
    monkeypatch.setattr(Look, "at", lambda look, source: there)
    monkeypatch.chdir(tmp_path)
    Path("configs").mkdir()
    output(monoglot(*words, "--offline"))


def test_there_are_examples():
    assert len(examples()) == 4


def test_the_command_refuses_a_language_without_text(hub, monoglot, tmp_path):  # noqa: F811
    out = tmp_path / "irish.yaml"
    said = monoglot("new-language", "ga", "--out", str(out))
    output(said, status=1)
    assert "error: text: no source has Irish" in said.stderr
    assert "--source 'text={format: lines, files: [FILE]}'" in said.stderr
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--as", "Cymru"), "must be lower-case letters"),
        (("--source", "nothing={files: [x], format: lines}"), "name a set of the configuration"),
        (("--source", "sa={files: 3}"), "data.sa.cy.files: 3 is not of type object"),
        (("--source", "text={files: [5]}"), "data.text.cy.files.0: 5 is not valid"),
        (("--source", "text={files: ['{']}"), "data.text.default.files: '{' asks for a code"),
        (("--code", "flores"), "must have the form SOURCE=CODE"),
    ],
)
def test_options_that_are_wrong(monoglot, arguments, said):  # noqa: F811
    found = monoglot("new-language", "cy", "--offline", *arguments)
    assert found.exit_code in (1, 2)
    assert said in found.stderr


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        (".", ("--force",), ".: is a folder; give a file name"),
        ("link", (), "link: already exists; give another name, or --force"),
        ("file/a/welsh.yaml", (), "file/a: Not a directory; a part of the path is a file"),
        ("x" * 250, (), "File name too long; give a shorter name"),
    ],
)
def test_places_that_are_none_are_known_before_the_hub_is_asked(
    monoglot,  # noqa: F811
    tmp_path,
    monkeypatch,
    name,
    options,
    said,
):
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    Path("link").symlink_to("nowhere")
    found = monoglot("new-language", "cy", "--out", name, "--config", "none.yaml", *options)
    assert (found.exit_code, said in found.stderr) == (1, True), found.output


def test_a_folder_of_its_own(monoglot, tmp_path, monkeypatch):  # noqa: F811
    """Of one language alone: there, sets that are known to have many languages are found too."""
    root = tmp_path / "files"
    for name in ("text.txt", "flores200/dev/hau_Latn.dev", "flores200/devtest/hau_Latn.devtest"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x\n")
    for split in ("train", "dev", "test"):
        (root / "masakhapos/hau").mkdir(parents=True, exist_ok=True)
        words = "a b c d e f g" if split == "test" else "a b c"
        rows = [f"{word} NOUN" for word in words.split()]
        (root / f"masakhapos/hau/{split}.txt").write_text("\n".join(rows) + "\n")
    (root / "text.txt").write_text("Before. A, b c d e f G! After\na b c\n")
    words = ["new-language", "ha", "--config", "configs/real.yaml", "--root", str(root)]
    words += ["--source", "text={format: lines, files: [text.txt]}", "--offline"]
    assert "--root needs --only" in monoglot(*words).stderr
    made = yaml.safe_load(output(monoglot(*words, "--only")))
    assert made["data"]["root"] == str(root)
    assert made["languages"]["ha"]["tasks"] == ["pos"]
    assert Graph(made).evaluated == ["ha"]
    said = monoglot(*words, "--only").stderr
    assert "warning: 1 of 1 test sentences of pos are in the text" in said
    assert "are left out: data.text.ha.exclude: [pos]" in said
    assert made["data"]["text"]["ha"]["exclude"] == ["pos"]
    assert "warning: 1 of 1 dev sentences of pos are in the text" in said


def test_labels_that_the_task_does_not_declare_are_said(monoglot, hub, tmp_path):  # noqa: F811
    files = {}
    for split in ("train", "dev", "test"):
        files[split] = str(tmp_path / f"{split}.txt")
        Path(files[split]).write_text("x B-DATE\n")
    source = yaml.safe_dump({"format": "token_tag", "files": files}, default_flow_style=True)
    said = monoglot("new-language", "cy", "--source", f"ner={source.strip()}")
    assert said.exit_code == 0
    assert "line 1: the tag is 'B-DATE'" in said.stderr
    assert "correct data.ner.cy or tasks.ner" in said.stderr
