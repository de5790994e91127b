"""Model cards: README.md in the folder of each checkpoint that is scored."""


rule card:
    input:
        checkpoint=experiment.files,
        behind=experiment.card_provenance,
        records=experiment.card_records,
    output:
        card="<results>/models/{model}/{language}/{variant}/README.md",
        provenance=f"<results>/models/{{model}}/{{language}}/{{variant}}/README.{PROVENANCE}",
    log:
        "<logs>/card/{model}/{language}/{variant}.log",
    benchmark:
        "<benchmarks>/card/{model}/{language}/{variant}.tsv"
    localrule: True
    conda:
        "../envs/monoglot.yaml"
    params:
        **experiment.script("card"),
        template=experiment.card_template,
        spec=experiment.card_spec,
    shell:
        "python {params.script:q} --records {input.records:q} --spec {params.spec:q}"
        " --out {output.card:q} > {log:q} 2>&1"
