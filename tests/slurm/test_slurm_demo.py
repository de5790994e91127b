"""The demo's whole grid through SLURM, beside the same without it: half an hour on two cores."""

import pytest
from experiment import Experiment

pytestmark = pytest.mark.slurm
DEMO = "configs/demo.yaml"
SITE = "configs/site.yaml"
SMALL = """\
slurm: {account: lab, partition: main, gpu_partition: gpu}
resources:
  build_tokens: &small {memory: 1.2, hours: 0.5}
  scratch: *small
  train: *small
  select_layers: *small
  prune_ffn: *small
  reduce_hidden: *small
  trim_vocab: *small
  evaluate: *small
"""


def test_the_demo_equals_that_of_a_run_without_slurm(cluster, tmp_path):
    through = Experiment(tmp_path / "through")
    (through.folder / SITE).write_text(SMALL)
    run = through.start(configs=(DEMO, SITE))
    run.succeeds(3600)
    ends = run.ends(cluster)
    print(f"\n{len(ends)} submissions, {len(through.results('results/demo'))} files")
    assert set(ends) == {"COMPLETED"}

    here = Experiment(tmp_path / "here")
    here.here(config=DEMO)
    assert through.results("results/demo") == here.results("results/demo")
