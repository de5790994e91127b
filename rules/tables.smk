"""Tables: a pure function of records."""

import json

TABLE_KINDS = ("csv", "md", "tex")


def table_files():
    names = CONFIG["tables"]
    return [f"{RESULTS}/tables/{name}.{kind}" for name in names for kind in TABLE_KINDS]


def table_records(wildcards):
    return [
        f"{RESULTS}/scores/{node.model}/{language}/{node.variant}/{task}/seed{seed}.json"
        for node, language, task in GRAPH.table_runs(wildcards.table)
        for seed in CONFIG["seeds"]
    ]


def table_published(wildcards):
    return CONFIG["tables"][wildcards.table].get("published", [])


def table_spec(wildcards):
    spec = CONFIG["tables"][wildcards.table]
    spec = {"languages": GRAPH.evaluated, "tasks": list(CONFIG["tasks"])} | spec
    return json.dumps(spec, ensure_ascii=False)


rule table:
    input:
        records=table_records,
        published=table_published,
    output:
        csv=f"{RESULTS}/tables/{{table}}.csv",
        md=report(f"{RESULTS}/tables/{{table}}.md", category="Tables", labels={"table": "{table}"}),
        tex=f"{RESULTS}/tables/{{table}}.tex",
    params:
        spec=table_spec,
        code=code_of("scripts/table.py"),
    log:
        f"{RESULTS}/logs/table/{{table}}.log",
    conda:
        "../envs/monoglot.yaml"
    shell:
        "python scripts/table.py --records {input.records:q} --spec {params.spec:q}"
        " --out-csv {output.csv:q} --out-md {output.md:q} --out-tex {output.tex:q} > {log:q} 2>&1"


localrules:
    table,
