"""The sections of a model card that say what a checkpoint is, and how to load it."""

from collections.abc import Mapping

from monoglot.report.card_markdown import count, table
from monoglot.report.card_spec import CardSpec


def summary(spec: CardSpec, parameters: int, first: tuple[str, int] | None) -> str:
    """Say in one paragraph what a checkpoint is; `first` is its first scored ancestor's size."""
    languages = ", ".join(spec.languages.values())
    text = f"A masked language model for {languages} with {count(parameters)} parameters"
    hub = next((step.origin["hub"] for step in spec.steps if "hub" in step.origin), None)
    text += f", made from `{hub}`." if hub else "."
    if first and first[1] != parameters:
        change = 100 * (parameters / first[1] - 1)
        text += f" It has {-change:.0f}% fewer parameters than `{first[0]}`." if change < 0 else ""
    if any(step.operation == "trim_vocab" for step in spec.steps):
        text += " Its vocabulary holds the pieces that are frequent in that language's text."
    return text + " A BERT-like encoder: it fills masks, and is to be tuned for a task."


def shape_table(spec: CardSpec, config: Mapping, parameters: int, size: int) -> str:
    """Return layers, widths, vocabulary, parameters, and bytes on disk."""
    embeddings = config["vocab_size"] * spec.shape["hidden_size"]
    rows = {
        "architecture": config["model_type"],
        "layers": spec.shape["layers"],
        "hidden size": spec.shape["hidden_size"],
        "attention heads": spec.shape["heads"],
        "feed-forward size": spec.shape["ffn_size"],
        "longest text": f"{spec.shape['max_positions']} tokens",
        "vocabulary": f"{config['vocab_size']:,} pieces",
        "parameters": f"{parameters:,} (tied decoder, no pooler), {embeddings:,} of them word "
        "embeddings",
        "on disk": f"{size / 1e6:.1f} MB, weights in fp32",
    }
    lines = [f"| {key} | {value} |" for key, value in rows.items()]
    return "\n".join(["## Size", "", "| | |", "| --- | --- |", *lines])


def vocabulary(report: Mapping | None) -> str:
    """Say what trimming the vocabulary did to the text it was trimmed for; empty without one."""
    if report is None:
        return ""
    text, held, rates = report["text"], report["heldout"], report["heldout"]["unknown_rate"]
    fertility = held["fertility"]
    return "\n".join(
        [
            "## Vocabulary",
            "",
            f"Trimmed from {report['vocab']['before']:,} pieces to {report['vocab']['after']:,}, "
            f"counted by {report['count']} of {text['documents']:,} documents. The pieces kept "
            f"cover {100 * text['coverage']:.2f}% of that text's tokens.",
            "",
            "On held-out text:",
            "",
            *table(
                ["", "before", "after"],
                [
                    ["unknown tokens", *(f"{100 * rates[w]:.3f}%" for w in ("before", "after"))],
                    ["tokens a word", *(f"{fertility[w]:.3f}" for w in ("before", "after"))],
                ],
            ),
            "",
            f"{100 * held['changed_words']:.2f}% of its {held['words']:,} words are cut into "
            "other pieces than before.",
        ]
    )


def usage(spec: CardSpec) -> str:
    """Return the code that loads a checkpoint, and one that loads a kept task adapter with it."""
    lines = [
        "## How to load it",
        "",
        "```python",
        "from transformers import AutoModelForMaskedLM, AutoTokenizer",
        "",
        'checkpoint = "."  # this folder, or the name it was pushed to on the Hub',
        "model = AutoModelForMaskedLM.from_pretrained(checkpoint)",
        "tokenizer = AutoTokenizer.from_pretrained(checkpoint)",
        "```",
    ]
    if not spec.tasks:
        return "\n".join(lines)
    language, tasks = next(iter(spec.test_sources.items()))
    task = next(iter(tasks))
    if spec.tasks[task]["tuning"] == "adapter":
        lines += [
            "",
            "With a task adapter, from `adapters/` in a copy of this repository if they were "
            "pushed with it:",
            "",
            "```python",
            "from adapters import AutoAdapterModel",
            "",
            "model = AutoAdapterModel.from_pretrained(checkpoint)",
            f'adapter = "adapters/{language}/{task}/seed{spec.seeds[0]}"',
            "model.load_adapter(adapter, set_active=True, use_safetensors=True)",
            "```",
        ]
    return "\n".join(lines)
