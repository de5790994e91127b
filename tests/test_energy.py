"""Energy and CO2 by hand, and each job counted once."""

import hashlib
import json

import pytest

from monoglot.energy import core_watts, energy_of, intensity, making, scoring, total
from monoglot.errors import UserError

JOB = {
    "script": "scripts/train.py",
    "arguments": {},
    "code": "0",
    "git_commit": None,
    "versions": {},
    "started": "2026-01-01T00:00:00+00:00",
    "seconds": 1.0,
    "inputs": {},
    "outputs": {},
    "hardware": {"cpu": "a processor nobody makes", "cores": 2, "gpu": None},
}
EPYC = {"cpu": "AMD EPYC 7763 64-Core Processor", "cores": 2, "gpu": None}


def said(**changes):
    return JOB | {"cpu_seconds": 3600.0, "gpu_joules": None} | changes


def test_an_unknown_processor_has_four_watts_a_core():
    assert energy_of(said()).kwh == pytest.approx(0.004)


def test_a_known_one_has_its_power_over_the_cores_in_its_name():
    # 280 W for 64 cores.
    assert energy_of(said(hardware=EPYC)).kwh == pytest.approx(280 / 64 / 1000)
    # The name says no cores: those that the job could use, of 120 W.
    assert core_watts("Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz", 28) == pytest.approx(120 / 28)


def test_joules_of_gpus_are_added():
    assert energy_of(said(gpu_joules=3.6e6)).kwh == pytest.approx(1.004)


def test_co2_is_that_of_the_country_or_of_the_world():
    assert energy_of(said()).co2_kg == pytest.approx(0.004 * 0.475)
    assert energy_of(said(), "DEU").co2_kg == pytest.approx(0.004 * 0.38095)
    assert intensity("NOR") < intensity("DEU") < intensity("POL")


def test_a_country_that_is_none_is_refused():
    with pytest.raises(UserError, match=r"^energy.country: codecarbon knows no 'XXX'"):
        energy_of(said(), "XXX")


def test_what_older_files_do_not_say_is_unknown():
    assert energy_of(JOB) is None
    found = total([JOB, said(), said()])
    assert (found.jobs, found.unknown) == (3, 1)
    assert found.kwh == pytest.approx(0.008)


def test_without_codecarbon_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr("monoglot.errors.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'monoglot\[energy\]'"):
        energy_of(said())


@pytest.fixture
def results(tmp_path, monkeypatch):
    """Two students of one teacher, which was made from a corpus; scores of one of them."""
    monkeypatch.chdir(tmp_path)

    def make(name, seconds, *made_from):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        for part in ("a", "b"):  # a job of several files is one job
            (folder / part).write_text(name + part)
        levels = "../" * len(folder.relative_to(tmp_path).parts)
        inputs = {f"{levels}{one}/{part}": "0" for one in made_from for part in ("a", "b")}
        outputs = {p: hashlib.sha256((name + p).encode()).hexdigest() for p in ("a", "b")}
        about = said(cpu_seconds=seconds, inputs=inputs, outputs=outputs)
        (folder / "provenance.json").write_text(json.dumps(about))

    make("data", 900.0)
    make("models/m/any/base", 1800.0, "data")
    make("models/m/mt/adapted", 3600.0, "models/m/any/base", "data")
    make("models/m/mt/kd-init", 360.0, "models/m/mt/adapted")
    make("models/m/mt/kd", 7200.0, "models/m/mt/kd-init", "models/m/mt/adapted", "data")
    make("scores/m/mt/kd/tc", 100.0, "models/m/mt/kd")
    make("scores/m/mt/kd/ner", 260.0, "models/m/mt/kd")
    return tmp_path


def test_every_job_behind_a_checkpoint_counts_once(results):
    assert making(results, "m/any/base").kwh == pytest.approx(4 * 2700 / 3.6e6)
    kd = making(results, "m/mt/kd")
    assert kd.kwh == pytest.approx(4 * (900 + 1800 + 3600 + 360 + 7200) / 3.6e6)
    assert (kd.jobs, kd.unknown) == (5, 0)


def test_a_card_in_the_folder_counts_no_scores(results):
    before = making(results, "m/mt/kd")
    folder = results / "models" / "m" / "mt" / "kd"
    (folder / "README.md").write_text("# A card")
    inputs = {"../../../../scores/m/mt/kd/tc/a": "0"}
    about = said(inputs=inputs, outputs={"README.md": "0"})
    (folder / "README.provenance.json").write_text(json.dumps(about))
    assert making(results, "m/mt/kd") == before


def test_adapters_are_counted_apart(results):
    found = scoring(results, "m/mt/kd")
    assert found.kwh == pytest.approx(4 * 360 / 3.6e6)
    assert found.jobs == 2
    assert scoring(results, "m/mt/adapted").jobs == 0
