"""How a checkpoint came about, for its card: the operations, and what they ran on."""

import json
from collections.abc import Sequence

from monoglot.provenance import Provenance
from monoglot.report.card_spec import CardSpec, Step

DONE = {
    "scratch": "randomly initialised",
    "train": "trained as a masked language model",
    "select_layers": "fewer layers",
    "prune_ffn": "fewer feed-forward neurons",
    "reduce_hidden": "a smaller hidden size",
    "trim_vocab": "a smaller vocabulary",
}
ON_TEXT = ("scratch", "train")
OF_KL = ("kl_mean", "temperature")
OF_ANY = ("alpha", "attention_projection", "attention_weight", "positions", *OF_KL)
UNUSED = {"none": OF_ANY, "mse": OF_KL}
"""By loss: the settings that it does not look at."""


def how_it_was_made(spec: CardSpec) -> str:
    """Return the operations behind a checkpoint in their order, with all settings."""
    lines = [f"{number}. {_sentence(step)}" for number, step in enumerate(spec.steps, 1)]
    return "\n".join(["## How it was made", "", *lines])


def _sentence(step: Step) -> str:
    if step.operation == "pretrained":
        return f"`{step.variant}`: {_origin(step)}, as it was published."
    done = DONE[step.operation]
    if step.teacher:
        done = f"distilled from `{step.teacher}`"
    start = f"`{step.variant}`: " + (f"`{step.parent}`, " if step.parent else "") + done
    if step.text and step.operation in ON_TEXT:
        shares = (f"{name} × {share:g}" for name, share in step.text.items())
        start += f", on text of {next(iter(step.text)) if _one(step) else ', '.join(shares)}"
    return f"{start}. Settings: {_settings(step)}."


def _one(step: Step) -> bool:
    return list(step.text.values()) == [1]


def _origin(step: Step) -> str:
    if "hub" in step.origin:
        return f"`{step.origin['hub']}` at commit `{step.origin['revision']}`"
    return "a checkpoint of this machine"


def _settings(step: Step) -> str:
    unused = UNUSED.get(step.settings.get("loss"), ())
    found = ((k, v) for k, v in sorted(step.settings.items()) if v is not None and k not in unused)
    texts = [
        f"{key} {value if isinstance(value, str) else json.dumps(value)}" for key, value in found
    ]
    return ", ".join(texts) or "none"


def where_it_comes_from(spec: CardSpec, provenance: Sequence[Provenance]) -> str:
    """Return what each step ran on, and the hashes of the checkpoint's files.

    `provenance` is that of each step, in their order.
    """
    rows = [
        f"| `{step.variant}` | `{said['script']}` | `{said['code']}` | {_commit(said)} "
        f"| {_machine(said)} | {said['seconds']:.0f} s |"
        for step, said in zip(spec.steps, provenance, strict=True)
    ]
    last = provenance[-1]
    libraries = ", ".join(f"{name} {number}" for name, number in last["versions"].items())
    hashes = [f"- `{name}`: `{digest}`" for name, digest in sorted(last["outputs"].items())]
    return "\n".join(
        [
            "## Provenance",
            "",
            "Made by monoglot, a Snakemake workflow. Each step's script, the fingerprint of its "
            "code, the commit it stood at, the machine and the time it took:",
            "",
            "| step | script | code | commit | machine | time |",
            "| --- | --- | --- | --- | --- | --- |",
            *rows,
            "",
            f"Libraries of the last step: {libraries}.",
            "",
            "SHA-256 of the files:",
            "",
            *hashes,
        ]
    )


def _commit(said: Provenance) -> str:
    return f"`{said['git_commit'][:12]}`" if said["git_commit"] else "outside a checkout"


def _machine(said: Provenance) -> str:
    found = said["hardware"]
    gpu = f", {found['gpu']}" if found["gpu"] else ""
    return f"{found['cpu']}, {found['cores']} cores{gpu}"
