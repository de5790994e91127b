"""Raw files to parquet, and text to token stores."""

if "invented" in experiment.config["data"]:

    rule invent:
        output:
            experiment.invented_files,
            f"{experiment.root}/{PROVENANCE}",
        log:
            "<logs>/invent.log",
        benchmark:
            "<benchmarks>/invent.tsv"
        localrule: True
        conda:
            "../envs/monoglot.yaml"
        params:
            **experiment.script("invent"),
            flags=experiment.invent_flags,
            root=experiment.raw_root,
        shell:
            "python {params.script:q} --out {params.root:q} {params.flags} > {log:q} 2>&1"


rule read_text:
    input:
        raw=experiment.raw_files,
        excluded=experiment.excluded_files,
    output:
        data="<results>/data/{language}/{set}.parquet",
        provenance=f"<results>/data/{{language}}/{{set}}.{PROVENANCE}",
    log:
        "<logs>/read_text/{language}/{set}.log",
    benchmark:
        "<benchmarks>/read_text/{language}/{set}.tsv"
    localrule: True
    conda:
        "../envs/monoglot.yaml"
    params:
        **experiment.script("read_text"),
        source=experiment.source,
        root=experiment.raw_root,
        flags=experiment.excluded_flags,
    shell:
        "python {params.script:q} --source {params.source:q} --root {params.root:q}"
        " {params.flags} --out {output.data:q} > {log:q} 2>&1"


use rule read_text as read_task with:
    input:
        raw=experiment.raw_files,
    output:
        data="<results>/data/{language}/{task}.parquet",
        provenance=f"<results>/data/{{language}}/{{task}}.{PROVENANCE}",
    log:
        "<logs>/read_task/{language}/{task}.log",
    benchmark:
        "<benchmarks>/read_task/{language}/{task}.tsv"
    localrule: True
    params:
        **experiment.script("read_task"),
        flags=experiment.task_flags,


rule overlap:
    input:
        text="<results>/data/{language}/text.parquet",
        validation="<results>/data/{language}/validation.parquet",
        examples=experiment.tested_files,
    output:
        counts="<results>/overlap/{language}.json",
        provenance=f"<results>/overlap/{{language}}.{PROVENANCE}",
    log:
        "<logs>/overlap/{language}.log",
    benchmark:
        "<benchmarks>/overlap/{language}.tsv"
    localrule: True
    conda:
        "../envs/monoglot.yaml"
    params:
        **experiment.script("overlap"),
        tasks=experiment.tested_tasks,
    shell:
        "python {params.script:q} --text {input.text:q} --validation {input.validation:q}"
        " {params.tasks} --examples {input.examples:q} --out {output.counts:q} > {log:q} 2>&1"


rule build_tokens:
    input:
        text="<results>/data/{language}/{set}.parquet",
        tokenizer=experiment.tokenizer_files,
    output:
        multiext("<results>/tokens/{model}/{home}/{variant}/{language}/{set}/", *STORE),
    log:
        "<logs>/build_tokens/{model}/{home}/{variant}/{language}/{set}.log",
    benchmark:
        "<benchmarks>/build_tokens/{model}/{home}/{variant}/{language}/{set}.tsv"
    wildcard_constraints:
        home=experiment.homes,
    conda:
        "../envs/monoglot.yaml"
    resources:
        **experiment.on_cluster("build_tokens"),
    params:
        **experiment.script("build_tokens"),
        tokenizer=experiment.tokenizer_folder,
        out=subpath(output[0], parent=True),
    shell:
        "python {params.script:q} --text {input.text:q} --tokenizer {params.tokenizer:q}"
        " --out {params.out:q} > {log:q} 2>&1"
