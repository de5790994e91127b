"""What the rules that read data ask for."""

import yaml


def local_files(language, name):
    """The raw files that a set of a language is read from; none for a source on the Hub."""
    source = source_of(CONFIG, name, language)
    if "hub" in source:
        return []
    files = source["files"]
    files = files.values() if isinstance(files, dict) else files
    paths = [file["path"] if isinstance(file, dict) else file for file in files]
    return [os.path.join(ROOT, path) for path in paths]


def needed_sets():
    """(language, set) of everything that a checkpoint or a score of the plan is made from."""
    needed = {
        (language, name)
        for node in GRAPH.checkpoints
        for language in GRAPH.text_languages(node)
        for name in TEXT_SETS
    }
    return sorted(needed | {(run.language, run.task) for run in GRAPH.runs})


RAW_FILES = sorted({file for needed in needed_sets() for file in local_files(*needed)})


def raw_root(wildcards):
    return ROOT


def raw_files(wildcards):
    """Raw files that a job reads; missing ones are spoken of by `check_sources`, not by Snakemake."""
    files = local_files(wildcards.language, wildcards.get("set") or wildcards.task)
    return [file for file in files if "invented" in CONFIG["data"] or os.path.isfile(file)]


def check_sources():
    """Before the first job: refuse to start if what it would be made from cannot be had."""
    unread = [n for n in needed_sets() if not os.path.isfile(data_file(*n))]
    unmade = [n for n in pretrained_checkpoints() if not os.path.isfile(files_of(n)[0])]
    sources = {f"data.{name}.{language}": (language, name) for language, name in unread}
    hubs = [source_of(CONFIG, name, language) for language, name in unread]
    models = [pretrained_origin(node) for node in unmade]
    repositories = [("datasets", s["hub"], s["revision"]) for s in hubs if "hub" in s]
    repositories += [("models", o["hub"], o["revision"]) for o in models if "hub" in o]
    try:
        check_hub(repositories)
        if "invented" not in CONFIG["data"]:
            check_files({key: local_files(*needed) for key, needed in sources.items()}, ROOT)
    except UserError as error:
        raise WorkflowError(str(error)) from None


def source_block(wildcards):
    name = wildcards.get("set") or wildcards.task
    source = source_of(CONFIG, name, wildcards.language)
    return yaml.safe_dump(source, default_flow_style=True, width=10**6, allow_unicode=True).strip()


def task_flags(wildcards):
    task = CONFIG["tasks"][wildcards.task]
    limits = {f"limit_{split}": number for split, number in task["limit"].items()}
    return flags({key: task[key] for key in ("kind", "scheme", "labels")} | limits)


def tokenizer_files(wildcards):
    return files_of(Checkpoint(wildcards.model, wildcards.home, wildcards.variant))[2:]


def tokenizer_folder(wildcards):
    return folder_of(Checkpoint(wildcards.model, wildcards.home, wildcards.variant))
