"""The sections of a model card that say what a checkpoint is, scores, and cannot."""

from collections.abc import Mapping

from monoglot.report.card_scores import NAMES, Key, Scores
from monoglot.report.card_spec import UNKNOWN, CardSpec


def count(number: int) -> str:
    """Return a number of parameters in words: `23.1 million`, or `29,595`."""
    return f"{number / 1e6:.1f} million" if number >= 10**6 else f"{number:,}"


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


def score_tables(spec: CardSpec, scores: Mapping[Key, Scores]) -> str:
    """Return a table of scores for each language: the checkpoint and the scored steps before it."""
    parts = ["## Scores"]
    for language, name in spec.languages.items():
        tasks = [task for task in spec.tasks if (language, spec.variant, task) in scores]
        if not tasks:
            continue
        own = {task: scores[language, spec.variant, task] for task in tasks}
        head = [f"{task.upper()}, {NAMES[own[task].metric][1]}" for task in tasks]
        rows = [
            [_bold(variant, spec), count(_size(variant, language, scores))]
            + [_cell(scores.get((language, variant, task))) for task in tasks]
            for step in spec.steps
            for variant in step.scored_as
            if any((language, variant, task) in scores for task in tasks)
        ]
        rows.append(["most frequent class", "–"] + [_percent(own[t].majority) for t in tasks])
        rows.append(["test examples", "–"] + [str(own[t].n_test) for t in tasks])
        parts.append("\n".join([f"{name}:", "", *_table(["", "parameters", *head], rows)]))
    seeds = max(len(found.metrics[found.metric]) for found in scores.values())
    how = {spec.tasks[task]["tuning"] for _, _, task in scores if task in spec.tasks}
    parts.append(
        f"In percent, mean and sample standard deviation over {seeds} "
        f"seed{'s' * (seeds > 1)} on the test set. {_tuned(how)}"
    )
    return "\n\n".join(parts)


def _tuned(how: set[str]) -> str:
    whole = "All weights are trained for a task."
    adapter = "For each task an adapter and a head are trained on the frozen encoder."
    return whole if how == {"full"} else adapter if how == {"adapter"} else f"{adapter} Or: {whole}"


def _bold(variant: str, spec: CardSpec) -> str:
    return f"**{variant}**" if variant == spec.variant else variant


def _size(variant: str, language: str, scores: Mapping[Key, Scores]) -> int:
    return next(v.parameters for k, v in scores.items() if k[:2] == (language, variant))


def _cell(found: Scores | None) -> str:
    return found.cell if found else "–"


def _percent(value: float) -> str:
    return f"{100 * float(value):.2f}"


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


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
            *_table(
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


def limitations(spec: CardSpec, scores: Mapping[Key, Scores], trimmed: bool) -> str:
    """Return what a reader must not take from a card's scores."""
    lines = [
        "The encoder was trained once: the deviations are those of training for a task, not of "
        "making the encoder.",
        *_small_sets(spec, scores),
        "It was measured on these tasks' test sets alone. Other domains, dialects, robustness, "
        "bias and harmful associations were not looked at; they may come from the base model and "
        "from its training text.",
        "Languages other than those above were not measured, and compressing for one language "
        "may cost the others.",
        "Whether test examples occur in the text that the base model was trained on is not known.",
    ]
    if trimmed:
        lines.append(
            "Words and characters that the trimmed vocabulary lacks become unknown tokens, above "
            "all in other scripts."
        )
    if spec.head == "fresh":
        lines.append("The masked-LM head started untrained: the base model came without one.")
    if spec.invented:
        lines.append("Its languages are invented: it is a demonstration, of no use on real text.")
    return "\n".join(["## Limitations", "", *(f"- {line}" for line in lines)])


def _small_sets(spec: CardSpec, scores: Mapping[Key, Scores]) -> list[str]:
    """Say how far off an accuracy on a test set of texts may be by the choice of texts alone."""
    sets = {
        (task, language): scores[language, spec.variant, task].n_test
        for language, tasks in spec.test_sources.items()
        for task in tasks
        if spec.tasks[task]["kind"] == "classification" and (language, spec.variant, task) in scores
    }
    return [
        f"{task.upper()} ({language}) is tested on {number} texts: the choice of texts alone gives "
        f"an accuracy a standard error of up to {100 * (0.25 / number) ** 0.5:.1f} points."
        for (task, language), number in sets.items()
    ]


def licences(spec: CardSpec) -> str:
    """Return the licences of the base model and of all data, as far as they are known."""
    rows = [["base model", spec.steps[0].origin.get("hub", spec.model), spec.license]]
    rows += [[source.used, source.name, source.license] for source in spec.sources]
    return "\n".join(
        [
            "## Licences",
            "",
            *_table(["what", "where from", "licence"], rows),
            "",
            "The licence in the metadata is the base model's. Whether those of the text bind a "
            f"model trained on it is not decided here. What is {UNKNOWN} was not stated where the "
            "data came from, or not looked up.",
        ]
    )
