"""Energy and CO2 of jobs, from what their files of provenance say they used.

A job's energy is that of the seconds it had of processors (`cpu_seconds`, user and system) and that
which its GPUs counted (`gpu_joules`). Powers and carbon intensities are codecarbon's tables:

- The power of a core is the thermal design power of the processor over its cores: those that its
  name tells ("64-Core"), else those that the job could use. A processor that is not in the table
  has 4 W for each, codecarbon's constant.
- CO2 is energy times the carbon intensity of a country's electricity in the table's year, or of the
  world's average.

Memory, cooling, idle machines and the making of hardware are not counted, and a core is taken to
draw its full power whenever it works. codecarbon's own measuring is not used: it needs a tracker in
each job, which takes seconds to look at the machine.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from monoglot import errors, provenance
from monoglot.errors import UserError
from monoglot.lineage import jobs_behind

JOULES_PER_KWH = 3.6e6
CORES = re.compile(r"\b(\d+)-Core\b", re.IGNORECASE)


@dataclass(frozen=True)
class SpentEnergy:
    """Energy of electricity, and the CO2 that making it set free."""

    kwh: float
    co2_kg: float


@dataclass(frozen=True)
class Total(SpentEnergy):
    """The energy of `jobs` together; of them, `unknown` do not say what they used and add none."""

    jobs: int
    unknown: int


def energy_of(said: Mapping[str, Any], country: str | None = None) -> SpentEnergy | None:
    """Return the energy of the job of a file of provenance; None if the file is too old to say.

    Args:
        said: what `provenance.read` returns.
        country: ISO 3166 alpha-3, such as DEU; the world's average if None.

    Raises:
        UserError: codecarbon is not installed, or does not know the country.
    """
    errors.need("energy")
    per_kwh = intensity(country)
    if said.get("cpu_seconds") is None:
        return None
    hardware = said["hardware"]
    joules = said["cpu_seconds"] * core_watts(hardware["cpu"], hardware["cores"])
    joules += said.get("gpu_joules") or 0
    kwh = joules / JOULES_PER_KWH
    return SpentEnergy(kwh, kwh * per_kwh)


def total(said: Iterable[Mapping[str, Any]], country: str | None = None) -> Total:
    """Add up the energy of jobs, see `energy_of`."""
    found = [energy_of(one, country) for one in said]
    known = [one for one in found if one is not None]
    return Total(
        sum(one.kwh for one in known),
        sum(one.co2_kg for one in known),
        len(found),
        len(found) - len(known),
    )


def making(results: str | Path, checkpoint: str, country: str | None = None) -> Total:
    """Return the energy of all jobs behind a checkpoint, each once, from reading its data on.

    Jobs that several checkpoints come from (`base`, a teacher) count fully for each of them.

    Args:
        checkpoint: `model/language/variant`, the language being `any` where it is.
    """
    folder = Path(results, "models", checkpoint)
    files = (file for file in folder.glob("*") if file.is_file())
    # A card was made from scores as well, which are no part of making the checkpoint.
    jobs, _ = jobs_behind(sorted(f for f in files if not f.name.endswith(provenance.ABOUT)))
    return total((job.said for job in jobs), country)


def scoring(results: str | Path, run: str, country: str | None = None) -> Total:
    """Return the energy of training and testing the adapters of a variant on all its tasks.

    Args:
        run: `model/language/variant`, the language being that of the tasks.
    """
    files = sorted(Path(results, "scores", run).glob(f"*/{provenance.NAME}"))
    return total(map(provenance.read, files), country)


def amount(value: float, large: str, small: str) -> str:
    """Return an amount in the larger of two units from one on, else in the thousandth of it."""
    return f"{value:,.3g} {large}" if value >= 1 else f"{1000 * value:.3g} {small}"


@cache
def core_watts(cpu: str, cores: int) -> float:
    """Return the power of one core of a processor that is called `cpu`, by codecarbon's table."""
    from codecarbon.core.cpu import DEFAULT_POWER_PER_CORE, TDP

    # Made without its constructor, which looks at this machine's processor.
    power = TDP._get_cpu_power_from_registry(TDP.__new__(TDP), cpu)
    if power is None:
        return DEFAULT_POWER_PER_CORE
    named = CORES.search(cpu)
    return power / (int(named[1]) if named else cores)


@cache
def intensity(country: str | None) -> float:
    """Return the kilograms of CO2 for each kWh of a country's electricity, by codecarbon's table.

    Raises `UserError` for a country that is not in it.
    """
    from codecarbon.core.emissions import Emissions
    from codecarbon.core.units import Energy as Amount
    from codecarbon.external.geography import GeoMetadata
    from codecarbon.input import DataSource

    source = DataSource()
    if country is None:
        return source.get_carbon_intensity_per_source_data()["world_average"] / 1000
    if country not in source.get_global_energy_mix_data():
        raise UserError(
            f"energy.country: codecarbon knows no '{country}'; give an ISO 3166 alpha-3 code, such "
            "as DEU, or leave it out for the world's average"
        )
    place = GeoMetadata(country_iso_code=country)
    return Emissions(source).get_country_emissions(Amount.from_energy(kWh=1), place)
