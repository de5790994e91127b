"""What the rules of the operations ask for."""


def checkpoint_out(*more):
    return multiext(
        f"{RESULTS}/models/{{model}}/{{language}}/{{variant}}/",
        *CHECKPOINT_FILES,
        PROVENANCE,
        *more,
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
    """The parameters of a checkpoint's operation that are neither links nor texts.

    Nor `processes`: with more or fewer of them nothing needs to run again.
    """
    settings = GRAPH.settings(checkpoint_of(wildcards))
    others = ("parent", "teacher", "text", "processes")
    return flags({k: v for k, v in settings.items() if k not in others})


def training_processes(wildcards):
    """As many as the variant says, but no more than GPUs on the machine it trains on, if any."""
    processes = GRAPH.settings(checkpoint_of(wildcards))["processes"]
    return min(processes, len(GPUS) or processes) if workflow.local_exec else processes


def training_gpus(wildcards, threads):
    """One for each process, of which `--set-threads` makes no more on a machine without GPUs."""
    return min(threads, training_processes(wildcards))


def training_share(wildcards, threads):
    return WHOLE * training_gpus(wildcards, threads)


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


def pretrained_flags(wildcards):
    model = CONFIG["models"][wildcards.model]
    about = {key: model[key] for key in ("family", "head")}
    return flags(origin(GRAPH, checkpoint_of(wildcards)) | about)


def scratch_tokenizer(wildcards):
    """Tokenizer files of a scratch variant's parent; none if it has no parent."""
    parent = GRAPH.parent(checkpoint_of(wildcards))
    return [f"{folder_of(parent)}/{name}" for name in TOKENIZER_FILES] if parent else []


def scratch_flags(wildcards):
    """Shape, tokenizer and text of a randomly initialised model."""
    node = checkpoint_of(wildcards)
    settings, model = GRAPH.settings(node), CONFIG["models"][wildcards.model]
    shape = GRAPH.shape(node) | {"family": model["family"]}
    shape |= {key: settings[key] for key in ("dropout", "seed")}
    if parent := GRAPH.parent(node):
        return flags(shape | {"parent": folder_of(parent)})
    if tokenizer := model.get("tokenizer"):
        return flags(shape | {"tokenizer": os.path.join(ROOT, tokenizer)})
    shares = list(GRAPH.text(node).values())
    return flags(shape | {"vocab_size": settings["vocab_size"], "shares": shares})


def trimming_store(wildcards):
    """Folder of the language's text under the parent's tokenizer, which training reads as well."""
    return store_of(GRAPH.parent(checkpoint_of(wildcards)), wildcards.language, "text")


def trimming_stores(wildcards):
    parent = GRAPH.parent(checkpoint_of(wildcards))
    return store_files(parent, [wildcards.language], "text")


def heldout_text(wildcards):
    return data_file(wildcards.language, "heldout")
