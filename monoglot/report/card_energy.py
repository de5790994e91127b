"""The electricity that a checkpoint took, for its card."""

from pathlib import Path

from monoglot import extras
from monoglot.errors import UserError
from monoglot.report.energy import Total, making

PARTS = 3
"""A checkpoint's place in the results: model, language, variant."""


def energy_section(folder: Path, country: str | None) -> str:
    """Say what making the checkpoint in `folder` took; empty where that is not known.

    It is not where codecarbon is not installed, and where no job says what it used.
    """
    try:
        extras.need("energy")
    except UserError:
        return ""
    place = folder.parts[-PARTS:]
    total = making(folder.parents[PARTS], "/".join(place), country)
    if total.jobs == total.unknown:
        return ""
    return "\n".join(["## Energy", "", _sentence(total, country)])


def _sentence(total: Total, country: str | None) -> str:
    mix = f"the electricity of {country}" if country else "the world's average electricity"
    text = (
        f"The {total.jobs} job{'s' * (total.jobs > 1)} behind this checkpoint, from reading the "
        f"data on, took about {_amount(total.kwh, 'kWh', 'Wh')}, or "
        f"{_amount(total.co2_kg, 'kg', 'g')} of CO2 with {mix}: time on processors and what GPUs "
        "counted, by codecarbon's tables. Memory, cooling and the pretraining of a base model "
        "are not in it."
    )
    if total.unknown:
        text += f" {total.unknown} of the jobs do not say what they used and add nothing."
    return text


def _amount(value: float, large: str, small: str) -> str:
    return f"{value:.3g} {large}" if value >= 1 else f"{1000 * value:.3g} {small}"
