"""Operations: each has its rule, and every checkpoint comes out of exactly one.

Their priority is above that of scores, because more work hangs on a checkpoint than on a score.
"""


# May need the network, which machines of a cluster often lack, so it runs where Snakemake does.
rule pretrained:
    output:
        multiext("<results>/models/{model}/{language}/{variant}/", *CHECKPOINT),
    log:
        "<logs>/pretrained/{model}/{language}/{variant}.log",
    benchmark:
        "<benchmarks>/pretrained/{model}/{language}/{variant}.tsv"
    wildcard_constraints:
        variant=experiment.variants_of("pretrained"),
    priority: 1
    localrule: True
    conda:
        "../envs/monoglot.yaml"
    params:
        **experiment.script("pretrained"),
        flags=experiment.pretrained_flags,
        out=subpath(output[0], parent=True),
    shell:
        "python {params.script:q} {params.flags} --out {params.out:q} > {log:q} 2>&1"


# The plainest operation, whose outputs, places and command others take over.
rule select_layers:
    input:
        parent=experiment.parent_files,
    output:
        multiext("<results>/models/{model}/{language}/{variant}/", *CHECKPOINT),
    log:
        "<logs>/<operation>/{model}/{language}/{variant}.log",
    benchmark:
        "<benchmarks>/<operation>/{model}/{language}/{variant}.tsv"
    pathvars:
        operation="select_layers",
    wildcard_constraints:
        variant=experiment.variants_of("select_layers"),
    priority: 1
    conda:
        "../envs/monoglot.yaml"
    resources:
        **experiment.on_cluster("select_layers"),
    params:
        **experiment.script("select_layers"),
        flags=experiment.operation_flags,
        out=subpath(output[0], parent=True),
    shell:
        "python {params.script:q} {params.flags} --out {params.out:q} > {log:q} 2>&1"


use rule select_layers as reduce_hidden with:
    input:
        parent=experiment.parent_files,
        validation=experiment.validation_stores,
    pathvars:
        operation="reduce_hidden",
    wildcard_constraints:
        variant=experiment.variants_of("reduce_hidden"),
    resources:
        **experiment.on_cluster("reduce_hidden"),
    params:
        **experiment.script("reduce_hidden"),
        flags=experiment.validated_flags,


use rule select_layers as trim_vocab with:
    input:
        parent=experiment.parent_files,
        tokens=experiment.text_stores,
        heldout=experiment.heldout_texts,
    output:
        multiext("<results>/models/{model}/{language}/{variant}/", *CHECKPOINT, "trim_report.json"),
    pathvars:
        operation="trim_vocab",
    wildcard_constraints:
        variant=experiment.variants_of("trim_vocab"),
    resources:
        **experiment.on_cluster("trim_vocab"),
    params:
        **experiment.script("trim_vocab"),
        flags=experiment.trim_flags,


use rule select_layers as scratch with:
    input:
        text=experiment.text_files,
        tokenizer=experiment.parent_tokenizer,
    pathvars:
        operation="scratch",
    wildcard_constraints:
        variant=experiment.variants_of("scratch"),
    resources:
        **experiment.on_cluster("scratch"),
    params:
        **experiment.script("scratch"),
        flags=experiment.scratch_flags,


rule prune_ffn:
    input:
        parent=experiment.parent_files,
        validation=experiment.validation_stores,
    output:
        multiext("<results>/models/{model}/{language}/{variant}/", *CHECKPOINT),
    log:
        "<logs>/prune_ffn/{model}/{language}/{variant}.log",
    benchmark:
        "<benchmarks>/prune_ffn/{model}/{language}/{variant}.tsv"
    wildcard_constraints:
        variant=experiment.variants_of("prune_ffn"),
    priority: 1
    conda:
        "../envs/monoglot.yaml"
    resources:
        **experiment.on_cluster("prune_ffn"),
        gpu=1,
        gpu_share=WHOLE,
    params:
        **experiment.gpu_script("prune_ffn"),
        flags=experiment.validated_flags,
        out=subpath(output[0], parent=True),
    shell:
        "python {params.on_gpu:q} --gpus {resources.gpu} --share {resources.gpu_share}"
        " python {params.script:q} {params.flags} --out {params.out:q} > {log:q} 2>&1"


rule train:
    input:
        parent=experiment.parent_files,
        teacher=experiment.teacher_files,
        tokens=experiment.text_stores,
        validation=experiment.validation_stores,
    output:
        multiext("<results>/models/{model}/{language}/{variant}/", *CHECKPOINT, "history.csv"),
    log:
        "<logs>/train/{model}/{language}/{variant}.log",
    benchmark:
        "<benchmarks>/train/{model}/{language}/{variant}.tsv"
    wildcard_constraints:
        variant=experiment.variants_of("train"),
    priority: 1
    conda:
        "../envs/monoglot.yaml"
    threads: experiment.training_processes
    resources:
        **experiment.on_cluster("train"),
        gpu=experiment.training_gpus,
        gpu_share=experiment.training_share,
    params:
        **experiment.gpu_script("train"),
        flags=experiment.train_flags,
        state=experiment.training_state,
        out=subpath(output[0], parent=True),
    shell:
        # Without a shell in between, which would end at once where training still saves its state.
        "exec python {params.on_gpu:q} --gpus {resources.gpu} --share {resources.gpu_share}"
        " python {params.script:q} {params.flags} --processes {resources.gpu} --state {params.state:q}"
        " --out {params.out:q} > {log:q} 2>&1"
