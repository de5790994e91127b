"""Model cards: README.md in the folder of each checkpoint that is scored."""


rule card:
    input:
        checkpoint=carded_files,
        behind=provenance_behind,
        records=card_records,
    output:
        card=f"{RESULTS}/models/{{model}}/{{language}}/{{variant}}/README.md",
        provenance=f"{RESULTS}/models/{{model}}/{{language}}/{{variant}}/README.{PROVENANCE}",
    log:
        f"{RESULTS}/logs/card/{{model}}/{{language}}/{{variant}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/card/{{model}}/{{language}}/{{variant}}.tsv"
    localrule: True
    conda:
        "../envs/monoglot.yaml"
    params:
        **experiment.script("card"),
        spec=card_spec,
    shell:
        "python {params.script:q} --records {input.records:q} --spec {params.spec:q}"
        " --out {output.card:q} > {log:q} 2>&1"
