"""What the rules of the tables ask for."""

import json

TABLE_FORMATS = ("csv", "md", "tex")


def table_files():
    names = CONFIG["tables"]
    return [f"{RESULTS}/tables/{name}.{form}" for name in names for form in TABLE_FORMATS]


TARGETS = {"tables": table_files()}


def tables_of(kind):
    return one_of([name for name, spec in CONFIG["tables"].items() if spec["kind"] == kind])


def table_records(wildcards):
    return [
        f"{RESULTS}/scores/{run}/seed{seed}.json"
        for run in GRAPH.table_runs(wildcards.table)
        for seed in GRAPH.seeds(run.variant)
    ]


def table_published(wildcards):
    return CONFIG["tables"][wildcards.table].get("published", [])


def table_flags(wildcards):
    return flags({"records": table_records(wildcards)})


def table_spec(wildcards):
    """The table's block of the configuration, with what its script cannot know from elsewhere."""
    spec = {key: value for key, value in CONFIG["tables"][wildcards.table].items() if key != "kind"}
    return json.dumps(
        spec | SPECS[CONFIG["tables"][wildcards.table]["kind"]](spec), ensure_ascii=False
    )


def language_names(spec):
    return {l: CONFIG["languages"][l]["name"] for l in spec.get("languages", GRAPH.evaluated)}


def scores_spec(spec):
    languages = spec.get("languages", GRAPH.evaluated)
    tasks = spec.get("tasks", list(CONFIG["tasks"]))
    lacking = {l: [task for task in tasks if task not in GRAPH.tasks(l)] for l in languages}
    left_out = {language: names for language, names in lacking.items() if names}
    found = {"languages": languages, "tasks": tasks}
    return found | ({"left_out": left_out} if left_out else {})


def retention_spec(spec):
    return {"languages": language_names(spec)}


SPECS = {"scores": scores_spec, "retention": retention_spec}
