from pathlib import Path

import pytest
import yaml

from monoglot.cluster import DEFAULTS, ON_GPUS, memory_mb, minutes, place
from monoglot.config import complete
from monoglot.errors import UserError

PAPER = Path(__file__).parents[1] / "config.yaml"


def configured(**blocks):
    return complete(yaml.safe_load(PAPER.read_text(encoding="utf-8")) | blocks)


def test_a_configuration_that_says_nothing_has_the_defaults():
    config = configured()
    assert memory_mb(config, "train", 1) == 1000 * DEFAULTS["train"]["memory"]
    assert minutes(config, "train", 1) == 60 * DEFAULTS["train"]["hours"]
    assert place(config, "train") == {"nodes": 1}


def test_each_attempt_asks_for_twice_as_much():
    config = configured(resources={"train": {"memory": 1.5, "hours": 0.5}})
    assert [memory_mb(config, "train", attempt) for attempt in (1, 2, 3)] == [1500, 3000, 6000]
    assert [minutes(config, "train", attempt) for attempt in (1, 2, 3)] == [30, 60, 120]
    assert minutes(config, "evaluate", 1) == 60 * DEFAULTS["evaluate"]["hours"]


def test_no_attempt_asks_for_more_than_the_most_unless_the_first_does():
    most = {"memory": 24, "hours": 24}
    config = configured(
        resources={"most": most, "train": {"memory": 20}, "evaluate": {"hours": 48}}
    )
    assert [memory_mb(config, "train", attempt) for attempt in (1, 2)] == [20000, 24000]
    assert [minutes(config, "evaluate", attempt) for attempt in (1, 2)] == [48 * 60, 48 * 60]


def test_jobs_with_a_gpu_can_have_a_partition_of_their_own():
    config = configured(slurm={"account": "lab", "partition": "cpu", "gpu_partition": "gpu"})
    assert place(config, "train")["slurm_partition"] == "gpu"
    assert place(config, "trim_vocab")["slurm_partition"] == "cpu"
    assert place(config, "trim_vocab")["slurm_account"] == "lab"
    config = configured(slurm={"partition": "all"})
    assert {place(config, rule)["slurm_partition"] for rule in DEFAULTS} == {"all"}
    assert set(ON_GPUS) < set(DEFAULTS)


@pytest.mark.parametrize(
    "blocks",
    [
        {"resources": {"train": {"memory": 0}}},
        {"resources": {"train": {"minutes": 5}}},
        {"resources": {"training": {"memory": 5}}},
        {"slurm": {"account": "lab; rm -rf /"}},
        {"slurm": {"partition": "--nodelist=n0"}},
    ],
)
def test_what_cannot_be_asked_for_is_refused(blocks):
    with pytest.raises(UserError, match=next(iter(blocks))):
        configured(**blocks)
