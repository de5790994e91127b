"""The sections of a model card about its scores: tables, and what they do not show."""

from collections.abc import Mapping

from monoglot.report.card_markdown import count, table
from monoglot.report.card_scores import NAMES, Key, Scores
from monoglot.report.card_spec import UNKNOWN, CardSpec


def score_tables(spec: CardSpec, scores: Mapping[Key, Scores]) -> str:
    """Return a table of scores for each language: the checkpoint and the scored steps before it.

    Empty without scores.
    """
    if not scores:
        return ""
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
        parts.append("\n".join([f"{name}:", "", *table(["", "parameters", *head], rows)]))
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


def limitations(spec: CardSpec, scores: Mapping[Key, Scores], trimmed: bool) -> str:
    """Return what a reader must not take from a card's scores."""
    scored = [
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
    unscored = [
        "It was scored on no task. Domains, dialects, robustness, bias and harmful associations "
        "were not looked at; they may come from the base model and from its training text.",
        "Compressing for one language may cost the others.",
    ]
    lines = scored if scores else unscored
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
            *table(["what", "where from", "licence"], rows),
            "",
            "The licence in the metadata is the base model's. Whether those of the text bind a "
            f"model trained on it is not decided here. What is {UNKNOWN} was not stated where the "
            "data came from, or not looked up.",
        ]
    )
