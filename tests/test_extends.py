"""Configurations laid over others."""

import pytest
import yaml
from test_config import ROOT

from monoglot.config import extended, merged_from, read
from monoglot.errors import UserError
from monoglot.graph import Graph


@pytest.fixture
def write(tmp_path):
    def write(name: str, content: object) -> str:
        path = tmp_path / name
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        return str(path)

    return write


def test_mappings_merge_other_values_replace_and_null_removes(write):
    below = write("below.yaml", {"a": {"x": 1, "y": [1, 2]}, "b": 1, "c": {"z": 1}})
    above = {"extends": below, "a": {"y": [3], "w": 2}, "b": None, "d": 4}
    assert extended(above) == {"a": {"x": 1, "y": [3], "w": 2}, "c": {"z": 1}, "d": 4}


def test_a_chain_of_files_is_followed(write):
    first = write("first.yaml", {"a": 1, "b": 1})
    second = write("second.yaml", {"extends": first, "b": 2})
    assert extended({"extends": second, "c": 3}) == {"a": 1, "b": 2, "c": 3}


def test_what_extends_nothing_is_copied():
    config = {"a": {"b": 1}}
    extended(config)["a"]["b"] = 2
    assert config == {"a": {"b": 1}}


def test_faults_are_named(write, tmp_path):
    itself = str(tmp_path / "itself.yaml")
    write("itself.yaml", {"extends": itself})
    with pytest.raises(UserError, match="circle; break it"):
        extended({"extends": itself})
    with pytest.raises(UserError, match=r"no\.yaml cannot be read"):
        extended({"extends": "no.yaml"})
    with pytest.raises(UserError, match="holds no mapping"):
        extended({"extends": write("list.yaml", [1])})
    with pytest.raises(UserError, match="must be the path"):
        extended({"extends": 3})


def test_a_graph_may_extend_the_demo():
    demo = str(ROOT / "configs" / "demo.yaml")
    graph = Graph({"extends": demo, "variants": {"kd": {"alpha": 0.2}}})
    assert graph.settings(graph.checkpoint("xlmr", "qaa", "kd"))["alpha"] == 0.2


def test_a_key_that_appears_twice_is_refused(tmp_path):
    (tmp_path / "c.yaml").write_text("tables:\n  a: {model: x}\n  b: {}\n  a: {model: y}\n")
    with pytest.raises(UserError, match=r"c\.yaml cannot be read \(the key 'a' appears twice"):
        read(str(tmp_path / "c.yaml"), "--config")
    (tmp_path / "c.yaml").write_text("a: &a {x: 1, y: 2}\nb: {<<: *a, x: 3}\n")
    assert read(str(tmp_path / "c.yaml"), "--config")["b"] == {"x": 3, "y": 2}


def test_a_path_is_seen_from_the_file_that_says_it(write, tmp_path, monkeypatch):
    (tmp_path / "configs").mkdir()
    write("below.yaml", {"a": 1, "b": 1})
    write("configs/middle.yaml", {"extends": "../below.yaml", "b": 2})
    above = write("configs/above.yaml", {"extends": "middle.yaml", "c": 3})
    for folder in (tmp_path, tmp_path / "configs"):
        monkeypatch.chdir(folder)
        assert extended(read(above, "--config")) == {"a": 1, "b": 2, "c": 3}


def test_where_there_is_no_such_file_it_is_one_of_the_workflows_own(write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mine = write("mine.yaml", {"extends": "configs/demo.yaml", "seeds": [7]})
    assert Graph(read(mine, "--config")).config["seeds"] == [7]
    write("demo.yaml", {"a": 1})
    assert extended(read(write("mine.yaml", {"extends": "demo.yaml"}), "--config")) == {"a": 1}


def test_what_snakemake_merged_is_seen_from_the_last_file_that_says_it(write, tmp_path):
    for folder, number in (("one", 1), ("two", 2)):
        (tmp_path / folder).mkdir()
        write(f"{folder}/below.yaml", {"a": number})
    files = [
        write("one/first.yaml", {"extends": "below.yaml"}),
        write("two/second.yaml", {"extends": "below.yaml"}),
        write("third.yaml", {"b": 1}),
    ]
    (tmp_path / "fourth.json").write_text("{}")
    files.append(str(tmp_path / "fourth.json"))
    merged = merged_from({"extends": "below.yaml", "b": 1}, files)
    assert extended(merged) == {"a": 2, "b": 1}
    # Said on the command line, the path is seen from the current folder.
    below = str(tmp_path / "one" / "below.yaml")
    assert extended(merged_from({"extends": below}, files)) == {"a": 1}


def test_a_key_that_appears_twice_is_refused_in_what_snakemake_merged(tmp_path):
    (tmp_path / "c.yaml").write_text("seeds: [1]\nseeds: [2]\n")
    with pytest.raises(UserError, match=r"--configfile: .*the key 'seeds' appears twice"):
        merged_from({"seeds": [2]}, [tmp_path / "c.yaml"])


def test_all_keys_that_appear_twice_are_told(tmp_path):
    yaml_file, json_file = tmp_path / "c.yaml", tmp_path / "c.json"
    yaml_file.write_text("seeds: [1]\ntables: {a: 1, a: 2}\nseeds: [2]\n")
    with pytest.raises(UserError) as raised:
        read(str(yaml_file), "CONFIG")
    assert [fault.split("(")[1] for fault in raised.value.faults] == [
        "the key 'seeds' appears twice, in lines 1 and 3); keep one of the two",
        "the key 'a' appears twice, in lines 2 and 2); keep one of the two",
    ]
    json_file.write_text('{"seeds":\t[1], "tables": {"a": 1, "a": 2}, "seeds": [2]}')
    for ask in (
        lambda: read(str(json_file), "CONFIG"),
        lambda: merged_from({"seeds": [2]}, [json_file]),
    ):
        with pytest.raises(UserError) as raised:
            ask()
        assert len(raised.value.faults) == 2
        assert "c.json cannot be read (the key 'seeds' appears twice)" in str(raised.value)
    json_file.write_text('{"extends": "c.yaml",\t"seeds": [2]}')
    assert read(str(json_file), "CONFIG")["seeds"] == [2]


@pytest.mark.parametrize(
    ("name", "begin", "end"),
    [
        ("c.yaml", "[", "]"),
        ("c.yaml", "{a: ", "}"),
        ("c.yaml", "- ", "x"),
        ("c.json", "[", "]"),
        ("c.json", '{"a":', "}"),
    ],
)
@pytest.mark.parametrize("levels", [5_000, 100_000])
def test_brackets_in_brackets_are_refused(tmp_path, name, begin, end, levels):
    (tmp_path / name).write_text(begin * levels + ("1" if begin[-1] in " :" else "") + end * levels)
    with pytest.raises(UserError, match=r"CONFIG: .* it is nested more than 64 levels deep"):
        read(str(tmp_path / name), "CONFIG")


def test_a_home_folder_is_extended_from(write, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write("below.yaml", {"a": 1})
    (tmp_path / "sub").mkdir()
    above = write("sub/above.yaml", {"extends": "~/below.yaml"})
    assert extended(read(above, "CONFIG")) == {"a": 1}
    assert extended({"extends": "~/below.yaml"}) == {"a": 1}
    with pytest.raises(UserError, match=r"^extends: '~nobody-here/x' begins with the home"):
        extended({"extends": "~nobody-here/x"})
