"""What `monoglot shrink` was asked for: the model, the chain of steps and the text."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from monoglot.api.tokenizers import parsed, special_tokens
from monoglot.errors import UserError
from monoglot.files import sha256
from monoglot.operations.embedding_rows import config_ids
from monoglot.operations.processes import Processes
from monoglot.operations.trim_tokenizer import special_ids
from monoglot.shrink import presets
from monoglot.shrink.estimate import Training, trainings
from monoglot.shrink.material import Material
from monoglot.shrink.plan import Shape, Step, chain, configurations, shape_of, sizes, target
from monoglot.shrink.saving import save_text
from monoglot.shrink.source import Source, find, load
from monoglot.shrink.texts import STANDARD_INPUT, read

SHAPE = ("layers", "ffn", "hidden", "vocab")


@dataclass(frozen=True)
class Job:
    """A chain to be made.

    Attributes:
        source, material: what it starts from, and the text, which has been read.
        before, after: shapes.
        budget: its name.
        steps: what is done.
        parameters: exact, of the model and of what each step makes.
        trainings: what each training takes here, by step.
        identity: hashes of model and text.
    """

    source: Source
    material: Material
    before: Shape
    after: Shape
    budget: str
    steps: list[Step]
    parameters: dict[str, int]
    trainings: dict[str, Training]
    identity: dict[str, str]


def begin(model: str, text: list[str], work: Path, options: Mapping[str, Any]) -> Job:
    """Load the model, plan the chain, read the text into `work`, and measure some steps.

    Args:
        model: folder, or id on the Hub.
        text: files.
        options: `revision`, `field`, `limit`, `preset`, the keys of a shape, `budget`,
            `adapt_steps`, `distil_steps`, `micro_batch` and `precision`; None where not chosen.

    Raises:
        UserError: the model is none that can be made small, a number does not fit it, there is
            nothing to do, or the text is bad.
    """
    source = load(*find(model, options["revision"]), masked_lm=True)
    contents, config = parsed(source.tokenizer, source.model), source.model.config
    special = len(special_ids(contents, special_tokens(source.tokenizer), config_ids(config)))
    given = {name: options[name] for name in SHAPE if options[name] is not None}
    before = shape_of(config, config.vocab_size - special)
    after = target(config, before.vocab, options["preset"], given)
    budget = options["budget"] or presets.default_budget(Processes().device.type == "cuda")
    steps = chain(config, before, after, settings(budget, options))
    if not steps:
        raise UserError(f"{source.name}: has that shape already, and is not to be adapted")
    about = [[file, _of_text(file)] for file in text], options["field"], options["limit"]
    of_model = _of_model(model, source.folder, options["revision"])
    identity = {"model": of_model, "text": _hash(about)}
    material = Material(work / "text", _hash([identity["text"], contents]))
    material.prepare(read(text, options["field"], options["limit"]), source.tokenizer)
    configs = configurations(source.model, steps, special)
    key = _hash([identity, [asdict(step) for step in steps], str(Processes().device)])
    measured = _kept(
        work / "trainings.json", key, lambda: trainings(steps, source.model, configs, material)
    )
    parameters = sizes(source.model, configs)
    return Job(source, material, before, after, budget, steps, parameters, measured, identity)


def settings(budget: str, options: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the settings of all training that a budget and options mean."""
    more = {key: options[key] for key in ("precision", "micro_batch") if options[key] is not None}
    return presets.budget(budget, options["adapt_steps"], options["distil_steps"], more)


def _kept(file: Path, key: str, measure: Any) -> dict[str, Training]:
    """Return what was measured in an earlier run of the same chain, or measure it."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        if found["key"] == key:
            return {name: Training(**numbers) for name, numbers in found["trainings"].items()}
    except (OSError, ValueError, KeyError, TypeError):
        pass
    measured = measure()
    about = {name: asdict(training) for name, training in measured.items()}
    save_text(json.dumps({"key": key, "trainings": about}), file)
    return measured


def _of_model(name: str, folder: Path, revision: str | None) -> str:
    if revision is not None:
        return f"{name} {revision}"
    files = [*sorted(folder.glob("*.safetensors")), *sorted(folder.glob("*.json"))]
    return _hash([[file.name, sha256(file)] for file in files])


def _of_text(file: str) -> str:
    """The hash of a file; standard input is what it was when it was first read."""
    return file if file == STANDARD_INPUT else sha256(file)


def _hash(about: object) -> str:
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
