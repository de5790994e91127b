"""The report: one HTML file of all that a run has made."""


rule report:
    input:
        report_inputs(),
    output:
        report=REPORT,
        provenance=f"{RESULTS}/report.{PROVENANCE}",
    log:
        f"{RESULTS}/logs/report.log",
    benchmark:
        f"{RESULTS}/benchmarks/report.tsv"
    conda:
        "../envs/monoglot.yaml"
    params:
        config=report_config,
        results=subpath(output.report, parent=True),
        measured=report_measured(),
        code=report_code(),
    shell:
        "python scripts/report.py --config {params.config:q} --results {params.results:q}"
        " --out {output.report:q} > {log:q} 2>&1"


localrules:
    report,
