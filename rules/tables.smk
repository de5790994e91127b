"""Tables: a pure function of records."""


rule table:
    input:
        records=table_records,
        published=table_published,
    output:
        csv=f"{RESULTS}/tables/{{table}}.csv",
        md=report(f"{RESULTS}/tables/{{table}}.md", category="Tables", labels={"table": "{table}"}),
        tex=f"{RESULTS}/tables/{{table}}.tex",
    log:
        f"{RESULTS}/logs/table/{{table}}.log",
    conda:
        "../envs/monoglot.yaml"
    params:
        spec=table_spec,
        code=code_of("scripts/table.py"),
    shell:
        "python scripts/table.py --records {input.records:q} --spec {params.spec:q}"
        " --out-csv {output.csv:q} --out-md {output.md:q} --out-tex {output.tex:q} > {log:q} 2>&1"


localrules:
    table,
