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
    conda:
        "../envs/monoglot.yaml"
    params:
        spec=card_spec,
        code=code_of("scripts/card.py"),
    shell:
        "python scripts/card.py --records {input.records:q} --spec {params.spec:q}"
        " --out {output.card:q} > {log:q} 2>&1"


localrules:
    card,
