"""Files of what was measured and scored as it is used, checked before they are believed."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from monoglot.errors import UserError

NUMBER = {"type": "number", "minimum": 0, "maximum": 10**15}
COUNT = {"type": "integer", "minimum": 1, "maximum": 10**9}


def _mapping(**properties: object) -> dict[str, Any]:
    """A mapping that has all these keys, and maybe others."""
    return {"type": "object", "required": list(properties), "properties": properties}


def _each(schema: object) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": schema}


RUN = _mapping(
    device={"type": "string"},
    threads=COUNT,
    latency=_each(_mapping(p50_ms=NUMBER, p95_ms=NUMBER)),
    throughput=_each(_mapping(tokens_per_second=NUMBER)),
    memory=_mapping(peak_bytes=NUMBER),
)
FORM = _mapping(
    disk=_mapping(weights_bytes=NUMBER), runs={"type": "array", "minItems": 1, "items": RUN}
)
DEPLOYMENT = _mapping(
    measuring=_mapping(lengths={"type": "array", "minItems": 1, "items": COUNT}, batch=COUNT),
    hardware=_mapping(
        cpu={"type": "string"}, cores={"type": "integer"}, gpu={"type": ["string", "null"]}
    ),
    forms=_each(FORM) | {"minProperties": 1},
    load_average_before=NUMBER,
)
SHARE = {"type": "number", "minimum": 0, "maximum": 1}
SCORED = {
    "anyOf": [
        {"type": "null"},
        {
            "type": "object",
            "required": ["score"],
            "properties": {"score": SHARE, "scores": _each(SHARE)},
        },
    ]
}
TASK = {"type": "object", "properties": dict.fromkeys(("torch", "fp32", "int8"), SCORED)}
EXPORTED = _mapping(tasks=_each(TASK))


def read_deployment(path: Path) -> Mapping[str, Any]:
    """Read what a checkpoint takes where it is used; raise `UserError` if the file does not say."""
    found = _read(path, DEPLOYMENT)
    for form, about in found["forms"].items():
        for run in about["runs"]:
            for length in map(str, found["measuring"]["lengths"]):
                if length not in run["latency"] or length not in run["throughput"]:
                    raise UserError(f"{path}: {form} has no length {length}; measure again")
    return found


def read_exported(path: Path) -> Mapping[str, Any]:
    """Read scores after export, by task and numbers; raise `UserError` if there are none."""
    return _read(path, EXPORTED)["tasks"]


def _read(path: Path, schema: Mapping[str, Any]) -> Any:
    try:
        found = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refused)
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: holds no measurements ({error}); measure again") from None
    if error := best_match(Draft202012Validator(schema).iter_errors(found)):
        where = ".".join(map(str, error.absolute_path)) or "it"
        raise UserError(f"{path}: holds no measurements ({where}: {error.message}); measure again")
    return found


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no number")
