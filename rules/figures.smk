"""Figures: a pure function of histories and records."""


rule figure:
    input:
        experiment.block_inputs,
    output:
        pdf="<results>/figures/{figure}.pdf",
        png=report(
            "<results>/figures/{figure}.png", category="Figures", labels=experiment.block_labels
        ),
        csv="<results>/figures/{figure}.csv",
        provenance=f"<results>/figures/{{figure}}.{PROVENANCE}",
    log:
        "<logs>/figure/{figure}.log",
    benchmark:
        "<benchmarks>/figure/{figure}.tsv"
    localrule: True
    conda:
        "../envs/monoglot.yaml"
    params:
        script=experiment.script("figure")["script"],
        code=experiment.figure_code,
        records=experiment.block_records,
        spec=experiment.block_spec,
        sources=experiment.figure_sources,
    shell:
        "python {params.script:q} --records {params.records:q} --spec {params.spec:q}"
        " --sources {params.sources:q} --out-pdf {output.pdf:q} --out-png {output.png:q}"
        " --out-csv {output.csv:q} > {log:q} 2>&1"
