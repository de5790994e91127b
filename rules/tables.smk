"""Tables: a rule for each kind, all with the inputs, outputs and command of the first."""


rule table:
    input:
        made_from=table_inputs,
        published=table_published,
    output:
        csv=f"{RESULTS}/tables/{{table}}.csv",
        md=report(f"{RESULTS}/tables/{{table}}.md", category="Tables", labels={"table": "{table}"}),
        tex=f"{RESULTS}/tables/{{table}}.tex",
        provenance=f"{RESULTS}/tables/{{table}}.{PROVENANCE}",
    log:
        f"{RESULTS}/logs/table/{{table}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/table/{{table}}.tsv"
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


use rule table as table_corpora with:
    wildcard_constraints:
        table=tables_of("corpora"),
    params:
        script="scripts/table_corpora.py",
        flags="",
        spec=table_spec,
        code=code_of("scripts/table_corpora.py"),


use rule table as table_examples with:
    wildcard_constraints:
        table=tables_of("examples"),
    params:
        script="scripts/table_examples.py",
        flags="",
        spec=table_spec,
        code=code_of("scripts/table_examples.py"),


use rule table as table_hyperparameters with:
    wildcard_constraints:
        table=tables_of("hyperparameters"),
    params:
        script="scripts/table_hyperparameters.py",
        flags="",
        spec=table_spec,
        code=code_of("scripts/table_hyperparameters.py"),


use rule table as table_adapters with:
    wildcard_constraints:
        table=tables_of("adapters"),
    params:
        script="scripts/table_adapters.py",
        flags="",
        spec=table_spec,
        code=code_of("scripts/table_adapters.py"),


use rule table as table_deployment with:
    input:
        made_from=deployment_table_inputs,
    wildcard_constraints:
        table=tables_of("deployment"),
    params:
        script="scripts/table_deployment.py",
        flags=deployment_table_flags,
        spec=table_spec,
        code=code_of("scripts/table_deployment.py"),


localrules:
    table,
    table_retention,
    table_corpora,
    table_examples,
    table_hyperparameters,
    table_adapters,
    table_deployment,
