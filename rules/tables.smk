"""Tables: a rule for each kind, all with the outputs and the command of the first."""


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
    wildcard_constraints:
        table=tables_of("scores"),
    conda:
        "../envs/monoglot.yaml"
    params:
        script="scripts/table.py",
        flags=table_flags,
        spec=table_spec,
        code=code_of("scripts/table.py"),
    shell:
        "python {params.script} {params.flags} --spec {params.spec:q}"
        " --out-csv {output.csv:q} --out-md {output.md:q} --out-tex {output.tex:q} > {log:q} 2>&1"


use rule table as table_retention with:
    wildcard_constraints:
        table=tables_of("retention"),
    params:
        script="scripts/table_retention.py",
        flags=table_flags,
        spec=table_spec,
        code=code_of("scripts/table_retention.py"),


localrules:
    table,
    table_retention,
