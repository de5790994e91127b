"""The base of everything a user can set: each parameter is stated once, in a class of this kind.

The schema of the configuration, the flags of the scripts, the checks, the Python interface and the
reference page follow from these classes.
"""

from pydantic import BaseModel, ConfigDict


class Parameters(BaseModel):
    """A block of parameters. An attribute's docstring is its help; it states the unit."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True
    )
