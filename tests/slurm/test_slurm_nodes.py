"""Nodes that are drained, restarted or lost while a training runs on them."""

import pytest
from experiment import HALF, TRAINING

pytestmark = pytest.mark.slurm


def test_a_drained_node_ends_its_job_and_gets_no_other(training, experiment, with_long, cluster):
    """The other job is of a second run in the same results, which leaves the first one alone."""
    run, _, node = training
    cluster.ask("scontrol", "update", f"NodeName={node}", "State=DRAIN", "Reason=test")
    experiment.remake(HALF)
    second = experiment.start(f"{HALF}/model.safetensors")
    second.succeeds()
    run.succeeds()
    assert [job["NodeList"] for job in run.jobs(cluster)] == [node]
    assert node not in [job["NodeList"] for job in second.jobs(cluster)]
    assert run.ends(cluster) == second.ends(cluster) == ["COMPLETED"]
    assert experiment.results() == with_long.results()


def test_a_job_outlives_the_slurmd_of_its_node(training, experiment, with_long, cluster):
    run, _, node = training
    cluster.daemons[node].kill()
    cluster.daemons[node].wait()
    cluster.start_node(node)
    run.succeeds()
    assert run.ends(cluster) == ["COMPLETED"]
    assert "resumed at step" not in experiment.said(TRAINING)
    assert experiment.results() == with_long.results()


def test_a_job_of_a_lost_node_is_queued_again(training, experiment, with_long, cluster):
    run, job, node = training
    cluster.kill_node(node)
    run.succeeds()
    jobs = run.jobs(cluster)
    assert {found["JobID"] for found in jobs} == {job}
    assert run.ends(cluster) == ["NODE_FAIL", "COMPLETED"]
    assert jobs[-1]["NodeList"] != node
    assert experiment.results() == with_long.results()
