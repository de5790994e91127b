"""What the rule of the model cards asks for."""

import json

UNKNOWN = "unknown"
USED = {"text": "training text", "validation": "validation text", "heldout": "held-out text"}
SETS_READ = {
    "scratch": ("text",),
    "train": ("text", "validation"),
    "prune_ffn": ("validation",),
    "trim_vocab": ("text", "heldout"),
}


def sets_read(operation):
    return SETS_READ.get(operation, ())


def carded():
    """The checkpoints that adapters are trained on for tables and figures."""
    runs = [run for run in GRAPH.runs if not GRAPH.is_baseline(run.variant)]
    return sorted({GRAPH.checkpoint(run.model, run.language, run.variant) for run in runs})


def steps_behind(node):
    """A checkpoint and all that it was made from, each once and after its own parents."""
    found = {}
    for link in (GRAPH.parent(node), GRAPH.teacher(node)):
        if link:
            found |= dict.fromkeys(steps_behind(link))
    return list(found | {node: None})


def behind(wildcards):
    return steps_behind(checkpoint_of(wildcards))


def carded_files(wildcards):
    return files_of(checkpoint_of(wildcards))


def provenance_behind(wildcards):
    """What each step says of itself, and of its vocabulary if it trimmed one."""
    found = [f"{folder_of(node)}/{PROVENANCE}" for node in behind(wildcards)]
    trimmed = [n for n in behind(wildcards) if GRAPH.operation(n.variant) == "trim_vocab"]
    return found + [f"{folder_of(node)}/trim_report.json" for node in trimmed]


def card_runs(wildcards):
    """The runs of the checkpoint, and of the steps behind it in the same languages."""
    node, nodes = checkpoint_of(wildcards), set(behind(wildcards))
    runs = [run for run in GRAPH.runs if not GRAPH.is_baseline(run.variant)]
    languages = {run.language for run in runs if node == run_checkpoint(run)}
    return [run for run in runs if run.language in languages and run_checkpoint(run) in nodes]


def run_checkpoint(run):
    return GRAPH.checkpoint(run.model, run.language, run.variant)


def card_records(wildcards):
    return [
        f"{RESULTS}/scores/{run}/seed{seed}.json"
        for run in card_runs(wildcards)
        for seed in GRAPH.seeds(run.variant)
    ]


def card_step(node, runs):
    parent, teacher = GRAPH.parent(node), GRAPH.teacher(node)
    apart = ("parent", "teacher", "text", "processes", "hub", "revision", "folder")
    pretrained = GRAPH.operation(node.variant) == "pretrained"
    names = {run.variant for run in runs if run_checkpoint(run) == node}
    return {
        "variant": node.variant,
        "operation": GRAPH.operation(node.variant),
        "folder": folder_of(node),
        "parent": parent and parent.variant,
        "teacher": teacher and teacher.variant,
        "origin": origin(GRAPH, node) if pretrained else {},
        "text": {language: GRAPH.text(node)[language] for language in GRAPH.text_languages(node)},
        "settings": {k: v for k, v in GRAPH.settings(node).items() if k not in apart},
        "scored_as": sorted(names, key=lambda name: (name != node.variant, name)),
    }


def card_source(used, name, language):
    source = source_of(CONFIG, name, language)
    invented = "invented" in CONFIG["data"]
    where = source.get("hub") or source.get("url") or f"files of this experiment ({name})"
    return {
        "used": f"{used}, {CONFIG['languages'][language]['name']}",
        "name": "invented by monoglot" if invented else where,
        "license": "none needed" if invented else source.get("license", UNKNOWN),
        "hub": source.get("hub"),
        "revision": source.get("revision"),
    }


def card_sources(nodes, tests):
    """All data behind a checkpoint and its scores."""
    read = {
        (language, name)
        for node in nodes
        for language in GRAPH.text_languages(node)
        for name in sets_read(GRAPH.operation(node.variant))
    }
    ordered = sorted(read, key=lambda one: (list(USED).index(one[1]), one[0]))
    texts = [card_source(USED[name], name, language) for language, name in ordered]
    found = [source for tasks in tests.values() for source in tasks.values()]
    return texts + found


def base_license(nodes):
    """The licence of the model's checkpoint; not known of one that a variant names itself."""
    pretrained = [n for n in nodes if GRAPH.operation(n.variant) == "pretrained"]
    if any(GRAPH.settings(node) for node in pretrained):
        return UNKNOWN
    return CONFIG["models"][nodes[0].model].get("license", UNKNOWN)


def card_spec(wildcards):
    """What the experiment says of a checkpoint: `monoglot.report.card_spec.CardSpec`."""
    node, nodes, runs = checkpoint_of(wildcards), behind(wildcards), card_runs(wildcards)
    own = [run for run in runs if run_checkpoint(run) == node]
    languages = [l for l in GRAPH.evaluated if any(run.language == l for run in own)]
    tasks = {t: about for t, about in CONFIG["tasks"].items() if any(r.task == t for r in own)}
    tests = {
        l: {
            task: card_source(f"task {task}", task, l)
            for task in tasks
            if any((run.language, run.task) == (l, task) for run in own)
        }
        for l in languages
    }
    model = CONFIG["models"][node.model]
    spec = {
        "model": model.get("name", node.model),
        "languages": {l: CONFIG["languages"][l]["name"] for l in languages},
        "shape": GRAPH.shape(node),
        "head": model["head"],
        "license": base_license(nodes),
        "steps": [card_step(one, runs) for one in nodes],
        "sources": card_sources(nodes, tests),
        "tasks": tasks,
        "test_sources": tests,
        "seeds": CONFIG["seeds"],
        "country": CONFIG["energy"]["country"],
        "invented": "invented" in CONFIG["data"],
    }
    return json.dumps(spec, ensure_ascii=False)
