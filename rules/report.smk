"""The report: one HTML file of all that a run has made."""


rule report:
    input:
        experiment.report_inputs(),
    output:
        report="<results>/report.html",
        provenance=f"<results>/report.{PROVENANCE}",
    log:
        "<logs>/report.log",
    benchmark:
        "<benchmarks>/report.tsv"
    localrule: True
    conda:
        "../envs/monoglot.yaml"
    params:
        **experiment.script("report"),
        config=experiment.report_config,
        results=subpath(output.report, parent=True),
        measured=experiment.report_measured(),
        templates=experiment.report_templates(),
    shell:
        "python {params.script:q} --config {params.config:q} --results {params.results:q}"
        " --out {output.report:q} > {log:q} 2>&1"
