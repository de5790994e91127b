"""Scores: one job for each (checkpoint, task), all seeds in it; one for each (baseline, task)."""


rule evaluate:
    input:
        checkpoint=evaluated_files,
        examples=data_file("{language}", "{task}"),
    output:
        records=RECORDS,
        predictions=PREDICTIONS,
        provenance=RUN_PROVENANCE,
        kept=kept_files("adapter"),
    log:
        f"{RESULTS}/logs/evaluate/{{model}}/{{language}}/{{variant}}/{{task}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/evaluate/{{model}}/{{language}}/{{variant}}/{{task}}.tsv"
    wildcard_constraints:
        variant=one_of(ENCODERS),
        task=tasks_by("adapter"),
    conda:
        "../envs/monoglot.yaml"
    resources:
        **on_cluster("evaluate"),
        gpu=1,
        gpu_share=SMALL_JOB_SHARE,
        turn=1,
    params:
        flags=evaluation_flags,
        checkpoint=evaluated_folder,
        keep=ADAPTERS,
        out=subpath(output[0], parent=True),
        code=code_of("scripts/evaluate.py"),
    shell:
        "python scripts/on_gpu.py --gpus {resources.gpu} --share {resources.gpu_share}"
        " python scripts/evaluate.py --checkpoint {params.checkpoint:q} --examples {input.examples:q}"
        " {params.flags} --keep {params.keep:q} --out {params.out:q} > {log:q} 2>&1"


use rule evaluate as evaluate_tuned_whole with:
    output:
        records=RECORDS,
        predictions=PREDICTIONS,
        provenance=RUN_PROVENANCE,
        kept=kept_files("full"),
    wildcard_constraints:
        variant=one_of(ENCODERS),
        task=tasks_by("full"),


rule baseline:
    input:
        examples=data_file("{language}", "{task}"),
    output:
        record=RECORDS[0],
        predictions=PREDICTIONS[0],
        provenance=RUN_PROVENANCE,
    log:
        f"{RESULTS}/logs/baseline/{{model}}/{{language}}/{{variant}}/{{task}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/baseline/{{model}}/{{language}}/{{variant}}/{{task}}.tsv"
    wildcard_constraints:
        variant=one_of(BASELINES),
    conda:
        "../envs/monoglot.yaml"
    resources:
        **on_cluster("baseline"),
        turn=1,
    params:
        flags=baseline_flags,
        out=subpath(output[0], parent=True),
        code=code_of("scripts/baseline.py"),
    shell:
        "python scripts/baseline.py --examples {input.examples:q} {params.flags}"
        " --out {params.out:q} > {log:q} 2>&1"
