"""Operations: each has its rule, and every checkpoint comes out of exactly one.

Their priority is above that of scores, because more work hangs on a checkpoint than on a score.
"""


rule pretrained:
    output:
        checkpoint_out(),
    log:
        checkpoint_log("pretrained"),
    benchmark:
        checkpoint_benchmark("pretrained")
    wildcard_constraints:
        variant=one_of(GRAPH.of_operation("pretrained")),
    priority: 1
    conda:
        "../envs/monoglot.yaml"
    params:
        flags=pretrained_flags,
        out=subpath(output[0], parent=True),
        code=code_of("scripts/pretrained.py"),
    shell:
        "python scripts/pretrained.py {params.flags} --out {params.out:q} > {log:q} 2>&1"


rule scratch:
    input:
        text=text_files,
        tokenizer=scratch_tokenizer,
    output:
        checkpoint_out(),
    log:
        checkpoint_log("scratch"),
    benchmark:
        checkpoint_benchmark("scratch")
    wildcard_constraints:
        variant=one_of(GRAPH.of_operation("scratch")),
    priority: 1
    conda:
        "../envs/monoglot.yaml"
    resources:
        **on_cluster("scratch"),
    params:
        flags=scratch_flags,
        out=subpath(output[0], parent=True),
        code=code_of("scripts/scratch.py"),
    shell:
        "python scripts/scratch.py --text {input.text:q} {params.flags} --out {params.out:q}"
        " > {log:q} 2>&1"


rule train:
    input:
        parent=parent_files,
        teacher=teacher_files,
        tokens=training_stores,
        validation=validation_stores,
    output:
        checkpoint_out("history.csv"),
    log:
        checkpoint_log("train"),
    benchmark:
        checkpoint_benchmark("train")
    wildcard_constraints:
        variant=one_of(GRAPH.of_operation("train")),
    priority: 1
    conda:
        "../envs/monoglot.yaml"
    threads: training_processes
    resources:
        **on_cluster("train"),
        gpu=training_gpus,
        gpu_share=training_share,
    params:
        links=links,
        texts=training_flags,
        validation=validation_flags,
        settings=settings_flags,
        out=subpath(output[0], parent=True),
        state=f"{RESULTS}/unfinished/{{model}}/{{language}}/{{variant}}",
        code=code_of("scripts/train.py"),
    shell:
        # Without a shell in between, which would end at once where training still saves its state.
        "exec python scripts/on_gpu.py --gpus {resources.gpu} --share {resources.gpu_share}"
        " python scripts/train.py {params.links} {params.texts} {params.validation}"
        " {params.settings} --processes {resources.gpu} --state {params.state:q} --out {params.out:q}"
        " > {log:q} 2>&1"


rule select_layers:
    input:
        parent=parent_files,
    output:
        checkpoint_out(),
    log:
        checkpoint_log("select_layers"),
    benchmark:
        checkpoint_benchmark("select_layers")
    wildcard_constraints:
        variant=one_of(GRAPH.of_operation("select_layers")),
    priority: 1
    conda:
        "../envs/monoglot.yaml"
    resources:
        **on_cluster("select_layers"),
    params:
        links=links,
        settings=settings_flags,
        out=subpath(output[0], parent=True),
        code=code_of("scripts/select_layers.py"),
    shell:
        "python scripts/select_layers.py {params.links} {params.settings} --out {params.out:q}"
        " > {log:q} 2>&1"


rule prune_ffn:
    input:
        parent=parent_files,
        validation=validation_stores,
    output:
        checkpoint_out(),
    log:
        checkpoint_log("prune_ffn"),
    benchmark:
        checkpoint_benchmark("prune_ffn")
    wildcard_constraints:
        variant=one_of(GRAPH.of_operation("prune_ffn")),
    priority: 1
    conda:
        "../envs/monoglot.yaml"
    resources:
        **on_cluster("prune_ffn"),
        gpu=1,
        gpu_share=WHOLE,
    params:
        links=links,
        validation=validation_flags,
        settings=settings_flags,
        out=subpath(output[0], parent=True),
        code=code_of("scripts/prune_ffn.py"),
    shell:
        "python scripts/on_gpu.py --gpus {resources.gpu} --share {resources.gpu_share}"
        " python scripts/prune_ffn.py {params.links} {params.validation} {params.settings}"
        " --out {params.out:q} > {log:q} 2>&1"


rule reduce_hidden:
    input:
        parent=parent_files,
    output:
        checkpoint_out(),
    log:
        checkpoint_log("reduce_hidden"),
    benchmark:
        checkpoint_benchmark("reduce_hidden")
    wildcard_constraints:
        variant=one_of(GRAPH.of_operation("reduce_hidden")),
    priority: 1
    conda:
        "../envs/monoglot.yaml"
    resources:
        **on_cluster("reduce_hidden"),
    params:
        links=links,
        settings=settings_flags,
        out=subpath(output[0], parent=True),
        code=code_of("scripts/reduce_hidden.py"),
    shell:
        "python scripts/reduce_hidden.py {params.links} {params.settings} --out {params.out:q}"
        " > {log:q} 2>&1"


rule trim_vocab:
    input:
        parent=parent_files,
        tokens=trimming_stores,
        heldout=heldout_text,
    output:
        checkpoint_out("trim_report.json"),
    log:
        checkpoint_log("trim_vocab"),
    benchmark:
        checkpoint_benchmark("trim_vocab")
    wildcard_constraints:
        variant=one_of(GRAPH.of_operation("trim_vocab")),
    priority: 1
    conda:
        "../envs/monoglot.yaml"
    resources:
        **on_cluster("trim_vocab"),
    params:
        links=links,
        tokens=trimming_store,
        settings=settings_flags,
        out=subpath(output[0], parent=True),
        code=code_of("scripts/trim_vocab.py"),
    shell:
        "python scripts/trim_vocab.py {params.links} --tokens {params.tokens:q}"
        " --heldout {input.heldout:q} {params.settings} --report {params.out:q}/trim_report.json"
        " --out {params.out:q} > {log:q} 2>&1"


# What may need the network, which machines of a cluster often lack, runs where Snakemake does.
localrules:
    pretrained,
