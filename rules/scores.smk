"""Adapters trained and tested: one job for each (node, task), all seeds in it."""


def evaluation_flags(wildcards):
    task = CONFIG["tasks"][wildcards.task]
    keys = [key for key in task if key not in ("checkpoint", "limit", "reduction_factor")]
    settings = {key: task[key] for key in keys}
    settings |= {
        "checkpoint_choice": task["checkpoint"],
        "reduction_factor": reduction_factor(CONFIG, wildcards.variant, wildcards.task),
        "seeds": CONFIG["seeds"],
        "seeds_affect": CONFIG["seeds_affect"],
    }
    return flags(dict(wildcards.items()) | settings)


def evaluated_files(wildcards):
    return files_of(checkpoint_of(wildcards))


def evaluated_folder(wildcards):
    return folder_of(checkpoint_of(wildcards))


SCORES = f"{RESULTS}/scores/{{model}}/{{language}}/{{variant}}/{{task}}/seed{{seed}}"


rule evaluate:
    input:
        checkpoint=evaluated_files,
        examples=data_file("{language}", "{task}"),
    output:
        records=expand(SCORES + ".json", seed=CONFIG["seeds"], allow_missing=True),
        predictions=expand(
            SCORES + ".predictions.parquet", seed=CONFIG["seeds"], allow_missing=True
        ),
    params:
        flags=evaluation_flags,
        checkpoint=evaluated_folder,
        out=subpath(output[0], parent=True),
        code=code_of("scripts/evaluate.py"),
    log:
        f"{RESULTS}/logs/evaluate/{{model}}/{{language}}/{{variant}}/{{task}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/evaluate/{{model}}/{{language}}/{{variant}}/{{task}}.tsv"
    resources:
        gpu=GPU,
    conda:
        "../envs/monoglot.yaml"
    shell:
        "python scripts/evaluate.py --checkpoint {params.checkpoint:q} --examples {input.examples:q}"
        " {params.flags} --out {params.out:q} > {log:q} 2>&1"
