"""Tables: a rule for each kind, all with the inputs, outputs and command of the first.

`use rule` takes over everything but `localrule`.
"""


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
    localrule: True
    conda:
        "../envs/monoglot.yaml"
    params:
        **experiment.script("table"),
        flags=table_flags,
        spec=table_spec,
    shell:
        "python {params.script:q} {params.flags} --spec {params.spec:q}"
        " --out-csv {output.csv:q} --out-md {output.md:q} --out-tex {output.tex:q} > {log:q} 2>&1"


use rule table as table_retention with:
    wildcard_constraints:
        table=tables_of("retention"),
    localrule: True
    params:
        **experiment.script("table_retention"),
        flags=table_flags,
        spec=table_spec,


use rule table as table_corpora with:
    wildcard_constraints:
        table=tables_of("corpora"),
    localrule: True
    params:
        **experiment.script("table_corpora"),
        flags="",
        spec=table_spec,


use rule table as table_examples with:
    wildcard_constraints:
        table=tables_of("examples"),
    localrule: True
    params:
        **experiment.script("table_examples"),
        flags="",
        spec=table_spec,


use rule table as table_hyperparameters with:
    wildcard_constraints:
        table=tables_of("hyperparameters"),
    localrule: True
    params:
        **experiment.script("table_hyperparameters"),
        flags="",
        spec=table_spec,


use rule table as table_adapters with:
    wildcard_constraints:
        table=tables_of("adapters"),
    localrule: True
    params:
        **experiment.script("table_adapters"),
        flags="",
        spec=table_spec,


use rule table as table_deployment with:
    input:
        made_from=deployment_table_inputs,
    wildcard_constraints:
        table=tables_of("deployment"),
    localrule: True
    params:
        **experiment.script("table_deployment"),
        flags=deployment_table_flags,
        spec=table_spec,
