"""Operations: each has its rule, and every checkpoint comes out of exactly one."""


def checkpoint_out(*more):
    return multiext(
        f"{RESULTS}/models/{{model}}/{{language}}/{{variant}}/", *CHECKPOINT_FILES, *more
    )


def checkpoint_log(operation):
    return f"{RESULTS}/logs/{operation}/{{model}}/{{language}}/{{variant}}.log"


def checkpoint_benchmark(operation):
    return f"{RESULTS}/benchmarks/{operation}/{{model}}/{{language}}/{{variant}}.tsv"


def parent_files(wildcards):
    return files_of(GRAPH.parent(checkpoint_of(wildcards)))


def teacher_files(wildcards):
    teacher = GRAPH.teacher(checkpoint_of(wildcards))
    return files_of(teacher) if teacher else []


def links(wildcards):
    """`--parent` and `--teacher` folders of a checkpoint."""
    node = checkpoint_of(wildcards)
    found = {"parent": GRAPH.parent(node), "teacher": GRAPH.teacher(node)}
    return flags({kind: folder_of(link) for kind, link in found.items() if link})


def settings_flags(wildcards):
    """The parameters of a checkpoint's operation that are neither links nor texts."""
    settings = GRAPH.settings(checkpoint_of(wildcards))
    return flags({k: v for k, v in settings.items() if k not in ("parent", "teacher", "text")})


def stores(wildcards, name):
    node = checkpoint_of(wildcards)
    return store_files(node, GRAPH.text_languages(node), name)


def training_stores(wildcards):
    return stores(wildcards, "text")


def validation_stores(wildcards):
    return stores(wildcards, "validation")


def validation_flags(wildcards):
    node = checkpoint_of(wildcards)
    languages = GRAPH.text_languages(node)
    return flags({"validation": [store_of(node, l, "validation") for l in languages]})


def training_flags(wildcards):
    node = checkpoint_of(wildcards)
    text = GRAPH.text(node)
    tokens = [store_of(node, language, "text") for language in text]
    return flags({"tokens": tokens, "shares": list(text.values())})


def text_files(wildcards):
    return [data_file(l, "text") for l in GRAPH.text_languages(checkpoint_of(wildcards))]


def pretrained_checkpoints():
    names = GRAPH.of_operation("pretrained")
    return [node for node in GRAPH.checkpoints if node.variant in names]


def pretrained_origin(node):
    """Where a pretrained checkpoint comes from: the variant's own keys, else the model's."""
    model = CONFIG["models"][node.model]
    return GRAPH.settings(node) or {
        key: model[key] for key in ("hub", "revision", "folder") if key in model
    }


def pretrained_flags(wildcards):
    family = CONFIG["models"][wildcards.model]["family"]
    return flags(pretrained_origin(checkpoint_of(wildcards)) | {"family": family})


def scratch_flags(wildcards):
    """Shape, tokenizer and text of a randomly initialised model."""
    node = checkpoint_of(wildcards)
    settings, model = GRAPH.settings(node), CONFIG["models"][wildcards.model]
    tokenizer = model.get("tokenizer")
    shape = model["shape"] | {"family": model["family"], "seed": settings["seed"]}
    if tokenizer:
        return flags(shape | {"tokenizer": os.path.join(ROOT, tokenizer)})
    shares = list(GRAPH.text(node).values())
    return flags(shape | {"vocab_size": settings["vocab_size"], "shares": shares})


rule pretrained:
    output:
        checkpoint_out(),
    wildcard_constraints:
        variant=one_of(GRAPH.of_operation("pretrained")),
    params:
        flags=pretrained_flags,
        out=subpath(output[0], parent=True),
        code=code_of("scripts/pretrained.py"),
    log:
        checkpoint_log("pretrained"),
    conda:
        "../envs/monoglot.yaml"
    shell:
        "python scripts/pretrained.py {params.flags} --out {params.out:q} > {log:q} 2>&1"


rule scratch:
    input:
        text=text_files,
    output:
        checkpoint_out(),
    wildcard_constraints:
        variant=one_of(GRAPH.of_operation("scratch")),
    params:
        flags=scratch_flags,
        out=subpath(output[0], parent=True),
        code=code_of("scripts/scratch.py"),
    log:
        checkpoint_log("scratch"),
    benchmark:
        checkpoint_benchmark("scratch")
    conda:
        "../envs/monoglot.yaml"
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
    wildcard_constraints:
        variant=one_of(GRAPH.of_operation("train")),
    params:
        links=links,
        texts=training_flags,
        validation=validation_flags,
        settings=settings_flags,
        out=subpath(output[0], parent=True),
        state=f"{RESULTS}/unfinished/{{model}}/{{language}}/{{variant}}",
        code=code_of("scripts/train.py"),
    log:
        checkpoint_log("train"),
    benchmark:
        checkpoint_benchmark("train")
    resources:
        gpu=GPU,
    conda:
        "../envs/monoglot.yaml"
    shell:
        "python scripts/train.py {params.links} {params.texts} {params.validation}"
        " {params.settings} --state {params.state:q} --out {params.out:q} > {log:q} 2>&1"


rule select_layers:
    input:
        parent=parent_files,
    output:
        checkpoint_out(),
    wildcard_constraints:
        variant=one_of(GRAPH.of_operation("select_layers")),
    params:
        links=links,
        settings=settings_flags,
        out=subpath(output[0], parent=True),
        code=code_of("scripts/select_layers.py"),
    log:
        checkpoint_log("select_layers"),
    conda:
        "../envs/monoglot.yaml"
    shell:
        "python scripts/select_layers.py {params.links} {params.settings} --out {params.out:q}"
        " > {log:q} 2>&1"


rule prune_ffn:
    input:
        parent=parent_files,
        validation=validation_stores,
    output:
        checkpoint_out(),
    wildcard_constraints:
        variant=one_of(GRAPH.of_operation("prune_ffn")),
    params:
        links=links,
        validation=validation_flags,
        settings=settings_flags,
        out=subpath(output[0], parent=True),
        code=code_of("scripts/prune_ffn.py"),
    log:
        checkpoint_log("prune_ffn"),
    benchmark:
        checkpoint_benchmark("prune_ffn")
    resources:
        gpu=GPU,
    conda:
        "../envs/monoglot.yaml"
    shell:
        "python scripts/prune_ffn.py {params.links} {params.validation} {params.settings}"
        " --out {params.out:q} > {log:q} 2>&1"


rule reduce_hidden:
    input:
        parent=parent_files,
    output:
        checkpoint_out(),
    wildcard_constraints:
        variant=one_of(GRAPH.of_operation("reduce_hidden")),
    params:
        links=links,
        settings=settings_flags,
        out=subpath(output[0], parent=True),
        code=code_of("scripts/reduce_hidden.py"),
    log:
        checkpoint_log("reduce_hidden"),
    conda:
        "../envs/monoglot.yaml"
    shell:
        "python scripts/reduce_hidden.py {params.links} {params.settings} --out {params.out:q}"
        " > {log:q} 2>&1"


def trimming_text(wildcards):
    return data_file(wildcards.language, "text")


def heldout_text(wildcards):
    return data_file(wildcards.language, "heldout")


rule trim_vocab:
    input:
        parent=parent_files,
        text=trimming_text,
        heldout=heldout_text,
    output:
        checkpoint_out("trim_report.json"),
    wildcard_constraints:
        variant=one_of(GRAPH.of_operation("trim_vocab")),
    params:
        links=links,
        settings=settings_flags,
        out=subpath(output[0], parent=True),
        code=code_of("scripts/trim_vocab.py"),
    log:
        checkpoint_log("trim_vocab"),
    benchmark:
        checkpoint_benchmark("trim_vocab")
    conda:
        "../envs/monoglot.yaml"
    shell:
        "python scripts/trim_vocab.py {params.links} --text {input.text:q}"
        " --heldout {input.heldout:q} {params.settings} --report {params.out:q}/trim_report.json"
        " --out {params.out:q} > {log:q} 2>&1"
