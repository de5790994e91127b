"""Tables: one rule for all kinds, each of which knows what its job reads and is given."""


rule table:
    input:
        experiment.block_inputs,
    output:
        csv="<results>/tables/{table}.csv",
        md=report("<results>/tables/{table}.md", category="Tables", labels=experiment.block_labels),
        tex="<results>/tables/{table}.tex",
        provenance=f"<results>/tables/{{table}}.{PROVENANCE}",
    log:
        "<logs>/table/{table}.log",
    benchmark:
        "<benchmarks>/table/{table}.tsv"
    localrule: True
    conda:
        "../envs/monoglot.yaml"
    params:
        script=experiment.script("table")["script"],
        code=experiment.table_code,
        kind=experiment.block_kind,
        records=experiment.block_records,
        spec=experiment.block_spec,
    shell:
        "python {params.script:q} --kind {params.kind} --records {params.records:q}"
        " --spec {params.spec:q} --out-csv {output.csv:q} --out-md {output.md:q}"
        " --out-tex {output.tex:q} > {log:q} 2>&1"
