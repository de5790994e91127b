"""What the rules of the tables ask for."""

import json

from monoglot.graph_tables import deployment_rows, shown_scores

TABLE_FORMATS = ("csv", "md", "tex")


def table_files():
    """Files of all tables but those of deployment, which take measurements of their own."""
    return files_of_tables(lambda kind: kind != "deployment")


def deployment_table_files():
    return files_of_tables(lambda kind: kind == "deployment")


def files_of_tables(is_wanted):
    """Files of the tables of some kinds, but for those of deployment that have no rows."""
    names = [
        name
        for name, spec in CONFIG["tables"].items()
        if is_wanted(spec["kind"])
        and (spec["kind"] != "deployment" or deployment_rows(GRAPH, spec))
    ]
    return [f"{RESULTS}/tables/{name}.{form}" for name in names for form in TABLE_FORMATS]


def tables_of(kind):
    return one_of([name for name, spec in CONFIG["tables"].items() if spec["kind"] == kind])


def table_records(table):
    return [
        f"{RESULTS}/scores/{run}/seed{seed}.json"
        for run in GRAPH.needs[table].runs
        for seed in GRAPH.seeds(run.variant)
    ]


def table_inputs(wildcards):
    needs = GRAPH.needs[wildcards.table]
    files = table_records(wildcards.table) + [data_file(*one) for one in needs.sets]
    files += [config_of(node) for node in needs.checkpoints]
    return files + [
        file for node, language in needs.stores for file in store_files(node, [language], "text")
    ]


def table_published(wildcards):
    return CONFIG["tables"][wildcards.table].get("published", [])


def table_flags(wildcards):
    return flags({"records": table_records(wildcards.table)})


def table_spec(wildcards):
    """The table's block of the configuration, with what its script cannot know from elsewhere."""
    spec = CONFIG["tables"][wildcards.table]
    hidden = ("kind", *NOT_FOR_SCRIPTS.get(spec["kind"], ()))
    block = spec | SPECS[spec["kind"]](spec)
    return json.dumps({k: v for k, v in block.items() if k not in hidden}, ensure_ascii=False)


def config_of(node):
    return f"{folder_of(node)}/config.json"


def languages_of(spec):
    return spec.get("languages", GRAPH.evaluated)


def tasks_of(spec):
    return spec.get("tasks", list(CONFIG["tasks"]))


def language_names(spec):
    return {l: CONFIG["languages"][l]["name"] for l in languages_of(spec)}


def scores_spec(spec):
    languages, tasks = languages_of(spec), tasks_of(spec)
    lacking = {l: [task for task in tasks if task not in GRAPH.tasks(l)] for l in languages}
    left_out = {language: names for language, names in lacking.items() if names}
    found = {"languages": languages, "tasks": tasks}
    return found | ({"left_out": left_out} if left_out else {})


def retention_spec(spec):
    return {"languages": language_names(spec)}


def examples_spec(spec):
    files = {task: {} for task in tasks_of(spec)}
    for language, task in examples_sets(GRAPH, spec):
        files[task][language] = data_file(language, task)
    return {"languages": language_names(spec), "tasks": tasks_of(spec), "examples": files}


def hyperparameters_spec(spec):
    return {"tasks": {task: CONFIG["tasks"][task] for task in tasks_of(spec)}}


def adapters_spec(spec):
    models = {column["model"]: column["label"] for column in spec["columns"]}
    configs = {
        row["variant"]: {
            model: [config_of(node) for node in shape_nodes(GRAPH, model, row["variant"])]
            for model in models
        }
        for row in spec["rows"]
    }
    return {"models": models, "configs": configs}


def corpora_spec(spec):
    return {
        "languages": language_names(spec),
        "texts": {l: data_file(l, "text") for l in languages_of(spec)},
        "columns": [corpora_column(spec, column) for column in spec["columns"]],
    }


def corpora_column(spec, column):
    nodes = text_nodes(GRAPH, spec, column["variant"])
    shares = {l: GRAPH.text(node)[l] for l, node in nodes.items()}
    stores = {l: store_of(node, l, "text") for l, node in nodes.items()}
    return column | {"shares": shares} | ({"tokens": stores} if spec["tokens"] else {})


def deployment_spec(spec):
    rows = deployment_rows(GRAPH, spec)
    names = {row.model: CONFIG["models"][row.model].get("name", row.model) for row in rows}
    cells = deployment_cells(spec)
    nodes = {str(node) for *_, node in cells}
    measured = [measurement_of(node) for node in sorted(nodes)]
    scored = [onnx_scores_of(*cell) for cell in sorted({cell[:3] for cell in cells})]
    checkpoints = {"/".join(cell): str(node) for *cell, node in cells}
    found = {"models": names, "languages": language_names(spec), "tasks": tasks_of(spec)}
    keys = ("model", "variant", "label")
    found["scores"] = {t: s for t, s in shown_scores(GRAPH).items() if t in found["tasks"]}
    found["rows"] = [{key: getattr(row, key) for key in keys} for row in rows]
    return found | {"measured": measured, "scored": scored, "checkpoints": checkpoints}


SPECS = {
    "deployment": deployment_spec,
    "scores": scores_spec,
    "corpora": corpora_spec,
    "examples": examples_spec,
    "hyperparameters": hyperparameters_spec,
    "adapters": adapters_spec,
    "retention": retention_spec,
}
# What the configuration says to the rules alone, by kind.
NOT_FOR_SCRIPTS = {"corpora": ("model", "tokens"), "adapters": ("columns",)}
