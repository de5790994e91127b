"""Figures: a pure function of histories and records."""


rule figure:
    input:
        records=figure_records,
        histories=figure_histories,
        corpora=figure_corpus_files,
        published=figure_published,
    output:
        pdf=f"{RESULTS}/figures/{{figure}}.pdf",
        png=report(
            f"{RESULTS}/figures/{{figure}}.png", category="Figures", labels={"figure": "{figure}"}
        ),
        csv=f"{RESULTS}/figures/{{figure}}.csv",
        provenance=f"{RESULTS}/figures/{{figure}}.{PROVENANCE}",
    log:
        f"{RESULTS}/logs/figure/{{figure}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/figure/{{figure}}.tsv"
    localrule: True
    conda:
        "../envs/monoglot.yaml"
    params:
        **experiment.script("figure"),
        flags=figure_flags,
        spec=figure_spec,
        sources=figure_sources,
    shell:
        "python {params.script:q} {params.flags} --spec {params.spec:q}"
        " --sources {params.sources:q} --out-pdf {output.pdf:q} --out-png {output.png:q}"
        " --out-csv {output.csv:q} > {log:q} 2>&1"
