"""A model card: what a checkpoint is, how it was made, what it scores, and what is not known.

It is a pure function of files: the checkpoint, the provenance of all steps behind it, records, a
trim report. Its head is the metadata that the Hub reads.
"""

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path

from monoglot.checkpoint_files import FILES, parsed_config
from monoglot.errors import UserError
from monoglot.provenance import NAME as PROVENANCE
from monoglot.provenance import Provenance
from monoglot.provenance import read as read_provenance
from monoglot.report.card_energy import energy_section
from monoglot.report.card_history import how_it_was_made, where_it_comes_from
from monoglot.report.card_metadata import metadata
from monoglot.report.card_results import licences, limitations, score_tables
from monoglot.report.card_scores import Key, Scores, by_run
from monoglot.report.card_spec import CardSpec, folders
from monoglot.report.card_text import shape_table, summary, usage, vocabulary

TRIM_REPORT = "trim_report.json"


def render(spec: CardSpec, records: Iterable[Mapping]) -> str:
    """Return the text of README.md.

    `records` are those of the checkpoint and of the steps behind it, or none where nothing is
    scored. Raises `UserError` if a file is missing or damaged, or no record is of the checkpoint.
    """
    scores = by_run(records)
    own = [found for (_, variant, _), found in scores.items() if variant == spec.variant]
    if scores and not own:
        raise UserError(f"no record is of the variant '{spec.variant}'; a card shows its scores")
    folder = Path(spec.own.folder)
    parameters = own[0].parameters if own else _parameters(folder)
    name = "-".join(folder.parts[-3:])
    sections = [
        f"# {_title(spec)}",
        summary(spec, parameters, _first(spec, scores)),
        shape_table(spec, _config(folder), parameters, _bytes(folder)),
        score_tables(spec, scores),
        how_it_was_made(spec),
        vocabulary(_trim_report(spec)),
        usage(spec),
        limitations(spec, scores, _trim_report(spec) is not None),
        licences(spec),
        energy_section(folder, spec.country),
        where_it_comes_from(spec, _provenance(spec)),
    ]
    text = "\n\n".join(section for section in sections if section)
    return f"---\n{metadata(spec, name, scores)}\n---\n\n{text}\n"


def trim_reports(spec: CardSpec) -> list[Path]:
    """Return the reports of all trimmings of the vocabulary behind a checkpoint."""
    trimmed = (step for step in spec.steps if step.operation == "trim_vocab")
    return [Path(step.folder) / TRIM_REPORT for step in trimmed]


def _title(spec: CardSpec) -> str:
    return f"{spec.model} for {', '.join(spec.languages.values())}: {spec.own.variant}"


def _first(spec: CardSpec, scores: Mapping[Key, Scores]) -> tuple[str, int] | None:
    """The first scored step behind a checkpoint, with its parameters; None if there is none."""
    for step in spec.steps[:-1]:
        for (_, variant, _), found in scores.items():
            if variant in step.scored_as:
                return variant, found.parameters
    return None


def _config(folder: Path) -> Mapping:
    return parsed_config(folder, str(folder))


def _parameters(folder: Path) -> int:
    """Parameters of a masked LM as it was saved: a tied decoder stands there once."""
    from safetensors import safe_open

    with safe_open(folder / "model.safetensors", framework="np") as tensors:
        return sum(math.prod(tensors.get_slice(name).get_shape()) for name in tensors.keys())  # noqa: SIM118


def _bytes(folder: Path) -> int:
    return sum((folder / name).stat().st_size for name in FILES)


def _trim_report(spec: CardSpec) -> Mapping | None:
    """What the last trimming of the vocabulary behind a checkpoint found; None without one."""
    if not (files := trim_reports(spec)):
        return None
    file = files[-1]
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{file}: cannot be read ({error}); trim the vocabulary again") from None


def _provenance(spec: CardSpec) -> list[Provenance]:
    return [read_provenance(folder / PROVENANCE) for folder in folders(spec)]
