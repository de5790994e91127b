"""The metadata of a model card, as the Hub reads it: YAML at the head of README.md."""

import re
from collections.abc import Mapping

from huggingface_hub import EvalResult, ModelCardData

from monoglot.report.card_scores import NAMES, Key, Scores
from monoglot.report.card_spec import UNKNOWN, CardSpec, Source

LICENSES = ("apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "cc0-1.0", "cc-by-3.0")
LICENSES += ("cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nc-3.0", "cc-by-nc-4.0")
LICENSES += ("cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "cc-by-nc-nd-4.0", "cc-by-nd-4.0", "gpl-2.0")
LICENSES += ("gpl-3.0", "lgpl-3.0", "agpl-3.0", "mpl-2.0", "afl-3.0", "odc-by", "openrail", UNKNOWN)
"""Licences by the Hub's identifiers; any other is `other` there, with its name."""

TASKS = {"classification": "text-classification", "tagging": "token-classification"}
DECIMALS = 4
CODE = re.compile("[a-z]{2,3}([-_].+)?")
"""Keys of languages that the Hub takes; others are names of the experiment's own."""


def metadata(spec: CardSpec, name: str, scores: Mapping[Key, Scores]) -> str:
    """Return a card's metadata as YAML text, without the lines of dashes around it.

    `name` is the model's in the index of results. Scores are means over seeds, from 0 to 1, with
    the deviation beside them.
    """
    license = spec.license.lower()
    known = license in LICENSES
    bases = [step.origin["hub"] for step in spec.steps if "hub" in step.origin]
    trained_on = {
        source.hub for source in spec.sources if source.hub and source.used.startswith("training")
    }
    data = ModelCardData(
        language=[code for code in spec.languages if CODE.fullmatch(code)] or None,
        license=license if known else "other",
        license_name=None if known else _identifier(license),
        base_model=bases[0] if len(bases) == 1 else bases or None,
        pipeline_tag="fill-mask",
        library_name="transformers",
        tags=["monoglot", *(["knowledge-distillation"] if _distilled(spec) else [])],
        datasets=sorted(trained_on) or None,
        model_name=name,
        eval_results=_results(spec, scores) or None,
    )
    return data.to_yaml(line_break="\n")


def _identifier(license: str) -> str:
    """A licence's name as the Hub takes it; the words themselves stand on the card."""
    return re.sub(r"[^a-z0-9.]+", "-", license).strip("-")


def _distilled(spec: CardSpec) -> bool:
    return any(step.teacher for step in spec.steps)


def _results(spec: CardSpec, scores: Mapping[Key, Scores]) -> list[EvalResult]:
    return [
        _result(spec, language, task, source, found, metric)
        for language, tasks in spec.test_sources.items()
        for task, source in tasks.items()
        if (found := scores.get((language, spec.variant, task)))
        for metric in sorted(found.metrics, key=lambda name: name != found.metric)
    ]


def _result(
    spec: CardSpec, language: str, task: str, source: Source, found: Scores, metric: str
) -> EvalResult:
    kind, shown = NAMES[metric]
    deviation = found.deviation(metric)
    about = {"seeds": len(found.metrics[metric])}
    if deviation is not None:
        about["standard_deviation"] = round(deviation, DECIMALS)
    return EvalResult(
        task_type=TASKS[spec.tasks[task]["kind"]],
        task_name=task,
        dataset_type=source.hub or task,
        dataset_name=source.name,
        dataset_config=language,
        dataset_split="test",
        dataset_revision=source.revision,
        metric_type=kind,
        metric_name=shown,
        metric_value=round(found.mean(metric), DECIMALS),
        metric_args=about,
    )
