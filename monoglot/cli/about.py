"""Which monoglot this is."""

import platform
import tomllib
from importlib.metadata import PackageNotFoundError, version

from monoglot.fingerprint import ROOT

PROJECT = ROOT / "pyproject.toml"


def version_line() -> str:
    """Return the version, Python's, and where the package lies."""
    return f"monoglot {package_version()} (Python {platform.python_version()}, {ROOT / 'monoglot'})"


def package_version() -> str:
    """Return the version; in a checkout, what its pyproject.toml says."""
    if PROJECT.is_file():
        return tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["version"]
    try:
        return version("monoglot")
    except PackageNotFoundError:
        return "of unknown version"
