"""Raw files to parquet, and text to token stores."""

if "invented" in CONFIG["data"]:

    rule invent:
        output:
            INVENTED_FILES,
            f"{ROOT}/{PROVENANCE}",
        log:
            f"{RESULTS}/logs/invent.log",
        benchmark:
            f"{RESULTS}/benchmarks/invent.tsv"
        conda:
            "../envs/monoglot.yaml"
        params:
            flags=flags(CONFIG["data"]["invented"]),
            root=raw_root,
            code=code_of("scripts/invent.py"),
        shell:
            "python scripts/invent.py --out {params.root:q} {params.flags} > {log:q} 2>&1"


rule read_text:
    input:
        raw_files,
    output:
        data=data_file("{language}", "{set}"),
        provenance=data_provenance("{language}", "{set}"),
    log:
        f"{RESULTS}/logs/read_text/{{language}}/{{set}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/read_text/{{language}}/{{set}}.tsv"
    conda:
        "../envs/monoglot.yaml"
    params:
        source=source_block,
        root=ROOT,
        code=code_of("scripts/read_text.py"),
    shell:
        "python scripts/read_text.py --source {params.source:q} --root {params.root:q}"
        " --out {output.data:q} > {log:q} 2>&1"


rule read_task:
    input:
        raw_files,
    output:
        data=data_file("{language}", "{task}"),
        provenance=data_provenance("{language}", "{task}"),
    log:
        f"{RESULTS}/logs/read_task/{{language}}/{{task}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/read_task/{{language}}/{{task}}.tsv"
    conda:
        "../envs/monoglot.yaml"
    params:
        source=source_block,
        flags=task_flags,
        root=ROOT,
        code=code_of("scripts/read_task.py"),
    shell:
        "python scripts/read_task.py --source {params.source:q} --root {params.root:q}"
        " {params.flags} --out {output.data:q} > {log:q} 2>&1"


rule build_tokens:
    input:
        text=data_file("{language}", "{set}"),
        tokenizer=tokenizer_files,
    output:
        multiext(
            f"{RESULTS}/tokens/{{model}}/{{home}}/{{variant}}/{{language}}/{{set}}/",
            *STORE_FILES,
            PROVENANCE,
        ),
    log:
        f"{RESULTS}/logs/build_tokens/{{model}}/{{home}}/{{variant}}/{{language}}/{{set}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/build_tokens/{{model}}/{{home}}/{{variant}}/{{language}}/{{set}}.tsv"
    wildcard_constraints:
        home=one_of([*CONFIG["languages"], ANY]),
    conda:
        "../envs/monoglot.yaml"
    resources:
        **on_cluster("build_tokens"),
    params:
        tokenizer=tokenizer_folder,
        out=subpath(output[0], parent=True),
        code=code_of("scripts/build_tokens.py"),
    shell:
        "python scripts/build_tokens.py --text {input.text:q} --tokenizer {params.tokenizer:q}"
        " --out {params.out:q} > {log:q} 2>&1"


# On a cluster these run where Snakemake does: they are light, or need the network.
localrules:
    invent,
    read_text,
    read_task,
