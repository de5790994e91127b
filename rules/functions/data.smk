"""What the rules that read data ask for."""

import yaml


def local_files(language, name):
    """The raw files on this machine that a set is read from; none for the Hub and the web."""
    needs = needs_of_set(CONFIG, language, name)
    return [str(need.path) for need in needs if isinstance(need, LocalFile)]


def invented_files():
    """The files of all sets of the invented languages.

    They do not depend on what is needed of them, so that evaluating one language more invents
    nothing again.
    """
    if "invented" not in CONFIG["data"]:
        return []
    languages = [l.code for l in INVENTED if l.code in CONFIG["languages"]]
    sets = [(l, name) for l in languages for name in [*TEXT_SETS, *GRAPH.tasks(l)]]
    sets = [(l, name) for l, name in sets if {l, "default"} & CONFIG["data"][name].keys()]
    return sorted({file for language, name in sets for file in local_files(language, name)})


INVENTED_FILES = invented_files()


def raw_root(wildcards):
    return ROOT


def raw_files(wildcards):
    """Raw files that a job reads; missing ones are spoken of by `check_sources`, not by Snakemake."""
    files = local_files(wildcards.language, wildcards.get("set") or wildcards.task)
    return [file for file in files if file in INVENTED_FILES or os.path.isfile(file)]


def open_needs():
    """What must be at hand for the sets and pretrained checkpoints that are still to be made."""
    sets = [about for about in needed_sets(GRAPH) if not os.path.isfile(data_file(*about))]
    nodes = [n for n in pretrained_checkpoints(GRAPH) if not os.path.isfile(files_of(n)[0])]
    return needs_of(GRAPH, sets, nodes)


def check_sources():
    """Before the first job: refuse to start if what it would be made from cannot be had."""
    try:
        preflight.check(open_needs(), ROOT)
    except UserError as error:
        raise WorkflowError(str(error)) from None


def warn_of_sources():
    """In a dry run: say what a run would refuse or download."""
    for line in preflight.warnings(open_needs()):
        print(f"note: {line}", file=sys.stderr)


def source_block(wildcards):
    name = wildcards.get("set") or wildcards.task
    source = source_of(CONFIG, name, wildcards.language)
    source.pop("license", None)  # for model cards; no reader is told, and none runs again for it
    return yaml.safe_dump(source, default_flow_style=True, width=10**6, allow_unicode=True).strip()


def task_flags(wildcards):
    task = CONFIG["tasks"][wildcards.task]
    limits = {f"limit_{split}": number for split, number in task["limit"].items()}
    return flags(own_keys(task) | {"metric": None} | limits)


def tokenizer_files(wildcards):
    return files_of(Checkpoint(wildcards.model, wildcards.home, wildcards.variant))[2:]


def tokenizer_folder(wildcards):
    return folder_of(Checkpoint(wildcards.model, wildcards.home, wildcards.variant))
