"""Print the environment for `--sdm conda`: what scripts import, at the versions installed here.

`make lock` calls it. Snakemake copies the environment's file alone, so nothing beside it is named.
The CUDA packages of PyTorch are left to its wheel, which names the right ones for the platform.
"""

import re
import tomllib
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
EXTRAS = ("adapters", "onnx", "energy", "tensorboard")
"""Optional dependencies of jobs; the others are of Snakemake, the documentation and the tests."""

NOT_PINNED = re.compile(r"triton|nvidia-(?!ml).*|cuda-.*|setuptools")
"""As in requirements.txt."""


def main() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"]
    wanted = [*project["dependencies"], *(one for extra in EXTRAS for one in optional[extra])]
    found: set[tuple[str, str]] = set()
    for text in wanted:
        add(Requirement(text), found)
    names = sorted({name for name, _ in found if not NOT_PINNED.fullmatch(name)})
    print(
        "# For `snakemake --sdm conda`. Made by 'make lock'; the versions are requirements.txt's."
    )
    print("channels:\n  - conda-forge\ndependencies:\n  - python=3.11\n  - pip\n  - pip:")
    for name in names:
        # Without the local part that a build for CPUs alone has.
        print(f"      - {name}=={Version(distribution(name).version).public}")


def add(requirement: Requirement, found: set[tuple[str, str]]) -> None:
    """Add what is required to `found`, by name and extra, with all that it requires itself."""
    name = canonicalize_name(requirement.name)
    for extra in {"", *requirement.extras} - {e for n, e in found if n == name}:
        found.add((name, extra))
        for text in distribution(name).requires or ():
            one = Requirement(text)
            if one.marker is None or one.marker.evaluate({"extra": extra}):
                add(one, found)


if __name__ == "__main__":
    main()
