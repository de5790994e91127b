"""Optional parts: libraries that only some jobs need, and how to get them."""

from importlib.util import find_spec

from monoglot.errors import UserError

LIBRARIES = {"onnx": ("onnx", "onnxruntime"), "energy": ("codecarbon",)}
"""By extra of this package, what it brings."""


def need(extra: str) -> None:
    """Raise `UserError`, which says what to install, unless an extra's libraries are there."""
    for library in LIBRARIES[extra]:
        if find_spec(library) is None:
            raise UserError(f"{library} is not installed; pip install 'monoglot[{extra}]'")
