"""What the rule of the figures asks for."""

import json

from monoglot.graph_figures import (
    curves,
    figure_languages,
    figure_models,
    figure_tasks,
    teachers,
)

FIGURE_FORMATS = ("pdf", "png", "csv")


def figure_files():
    names = CONFIG["figures"]
    return [f"{RESULTS}/figures/{name}.{form}" for name in names for form in FIGURE_FORMATS]


def figure_block(wildcards):
    return CONFIG["figures"][wildcards.figure]


def figure_records(wildcards):
    return [
        f"{RESULTS}/scores/{run}/seed{seed}.json"
        for run in sorted(set(GRAPH.figure_needs[wildcards.figure].runs))
        for seed in GRAPH.seeds(run.variant)
    ]


def figure_curves(wildcards):
    spec = figure_block(wildcards)
    nodes = curves(GRAPH, spec) if spec["kind"] == "curves" else {}
    return {name: f"{folder_of(node)}/history.csv" for name, node in nodes.items()}


def figure_histories(wildcards):
    return list(figure_curves(wildcards).values())


def figure_texts(wildcards):
    """What the teachers of a figure of drops were trained on."""
    spec = figure_block(wildcards)
    nodes = teachers(GRAPH, spec) if spec["kind"] == "drop" else {}
    return {name: dict(GRAPH.text(node)) for name, node in nodes.items()}


def figure_corpora(wildcards):
    """Files of the text that the teachers were trained on, unless its volume is given."""
    if "volumes" in figure_block(wildcards):
        return {}
    languages = {name for text in figure_texts(wildcards).values() for name in text}
    return {name: data_file(name, "text") for name in sorted(languages)}


def figure_corpus_files(wildcards):
    return list(figure_corpora(wildcards).values())


def figure_published(wildcards):
    return figure_block(wildcards).get("published", [])


def figure_spec(wildcards):
    spec = figure_block(wildcards)
    whole = {"models": figure_models(GRAPH, spec), "languages": figure_languages(GRAPH, spec)}
    if spec["kind"] == "drop":
        whole["tasks"] = figure_tasks(GRAPH, spec)
    return json.dumps(spec | whole, ensure_ascii=False)


def figure_names():
    """Names in print of models, languages and tasks."""
    names = {model: about.get("name", model) for model, about in CONFIG["models"].items()}
    names |= {task: task.upper() for task in CONFIG["tasks"]}
    return names | {language: about["name"] for language, about in CONFIG["languages"].items()}


def figure_sources(wildcards):
    sources = {
        "names": figure_names(),
        "histories": figure_curves(wildcards),
        "texts": figure_texts(wildcards),
        "corpora": figure_corpora(wildcards),
    }
    return json.dumps(sources, ensure_ascii=False)


def figure_flags(wildcards):
    return flags({"records": figure_records(wildcards)})
