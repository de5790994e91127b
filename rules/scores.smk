"""Scores: one job for each (checkpoint, task), all seeds in it; one for each (baseline, task)."""

SEEDS = experiment.config["seeds"]
SCORES = "<results>/scores/{model}/{language}/{variant}/{task}"
KEPT_OF_SEED = "<results>/adapters/{model}/{language}/{variant}/{task}/seed{seed}/{file}"


rule evaluate:
    input:
        checkpoint=experiment.files,
        examples="<results>/data/{language}/{task}.parquet",
    output:
        records=collect(f"{SCORES}/seed{{seed}}.json", seed=SEEDS, allow_missing=True),
        predictions=collect(
            f"{SCORES}/seed{{seed}}.predictions.parquet", seed=SEEDS, allow_missing=True
        ),
        provenance=f"{SCORES}/{PROVENANCE}",
        kept=collect(
            KEPT_OF_SEED, seed=SEEDS, file=experiment.kept_files("adapter"), allow_missing=True
        ),
    log:
        "<logs>/evaluate/{model}/{language}/{variant}/{task}.log",
    benchmark:
        "<benchmarks>/evaluate/{model}/{language}/{variant}/{task}.tsv"
    wildcard_constraints:
        variant=experiment.encoders,
        task=experiment.tasks_by("adapter"),
    conda:
        "../envs/monoglot.yaml"
    resources:
        **experiment.on_cluster("evaluate"),
        gpu=1,
        gpu_share=experiment.small_job_share,
        turn=1,
    params:
        **experiment.gpu_script("evaluate"),
        flags=experiment.evaluation_flags,
        checkpoint=experiment.folder,
        keep=subpath(output[-1], ancestor=2),
        out=subpath(output[0], parent=True),
    shell:
        "python {params.on_gpu:q} --gpus {resources.gpu} --share {resources.gpu_share}"
        " python {params.script:q} --checkpoint {params.checkpoint:q} --examples {input.examples:q}"
        " {params.flags} --keep {params.keep:q} --out {params.out:q} > {log:q} 2>&1"


use rule evaluate as evaluate_tuned_whole with:
    output:
        records=collect(f"{SCORES}/seed{{seed}}.json", seed=SEEDS, allow_missing=True),
        predictions=collect(
            f"{SCORES}/seed{{seed}}.predictions.parquet", seed=SEEDS, allow_missing=True
        ),
        provenance=f"{SCORES}/{PROVENANCE}",
        kept=collect(
            KEPT_OF_SEED, seed=SEEDS, file=experiment.kept_files("full"), allow_missing=True
        ),
    wildcard_constraints:
        variant=experiment.encoders,
        task=experiment.tasks_by("full"),


rule score:
    input:
        checkpoint=experiment.files,
        other=experiment.other_files,
        files=experiment.sentence_files,
        examples="<results>/data/{language}/{task}.parquet",
    output:
        record=f"{SCORES}/seed{SEEDS[0]}.json",
        predictions=f"{SCORES}/seed{SEEDS[0]}.predictions.parquet",
        provenance=f"{SCORES}/{PROVENANCE}",
    log:
        "<logs>/score/{model}/{language}/{variant}/{task}.log",
    benchmark:
        "<benchmarks>/score/{model}/{language}/{variant}/{task}.tsv"
    wildcard_constraints:
        variant=experiment.encoders,
        task=experiment.untrained_tasks,
    conda:
        "../envs/monoglot.yaml"
    resources:
        **experiment.on_cluster("score"),
        gpu=1,
        gpu_share=experiment.small_job_share,
        turn=1,
    params:
        **experiment.gpu_script("score"),
        flags=experiment.score_flags,
        checkpoint=experiment.folder,
        out=subpath(output[0], parent=True),
    shell:
        "python {params.on_gpu:q} --gpus {resources.gpu} --share {resources.gpu_share}"
        " python {params.script:q} --checkpoint {params.checkpoint:q} --examples {input.examples:q}"
        " {params.flags} --out {params.out:q} > {log:q} 2>&1"


rule baseline:
    input:
        examples="<results>/data/{language}/{task}.parquet",
    output:
        record=f"{SCORES}/seed{SEEDS[0]}.json",
        predictions=f"{SCORES}/seed{SEEDS[0]}.predictions.parquet",
        provenance=f"{SCORES}/{PROVENANCE}",
    log:
        "<logs>/baseline/{model}/{language}/{variant}/{task}.log",
    benchmark:
        "<benchmarks>/baseline/{model}/{language}/{variant}/{task}.tsv"
    wildcard_constraints:
        variant=experiment.variants_of("baseline"),
    conda:
        "../envs/monoglot.yaml"
    resources:
        **experiment.on_cluster("baseline"),
        turn=1,
    params:
        **experiment.script("baseline"),
        flags=experiment.baseline_flags,
        out=subpath(output[0], parent=True),
    shell:
        "python {params.script:q} --examples {input.examples:q} {params.flags}"
        " --out {params.out:q} > {log:q} 2>&1"
