"""What the rule of the tables asks for."""

import json

TABLE_KINDS = ("csv", "md", "tex")


def table_files():
    names = CONFIG["tables"]
    return [f"{RESULTS}/tables/{name}.{kind}" for name in names for kind in TABLE_KINDS]


TARGETS = {"tables": table_files()}


def table_records(wildcards):
    return [
        f"{RESULTS}/scores/{run}/seed{seed}.json"
        for run in GRAPH.table_runs(wildcards.table)
        for seed in CONFIG["seeds"]
    ]


def table_published(wildcards):
    return CONFIG["tables"][wildcards.table].get("published", [])


def table_spec(wildcards):
    spec = CONFIG["tables"][wildcards.table]
    spec = {"languages": GRAPH.evaluated, "tasks": list(CONFIG["tasks"])} | spec
    return json.dumps(spec, ensure_ascii=False)
