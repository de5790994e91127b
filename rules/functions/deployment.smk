"""What the rules of deployment ask for."""

from monoglot.graph_tables import deployed, deployed_runs, deployment_rows

MEASURED = CONFIG["deployment"]
DEPLOYED = deployed_runs(GRAPH)
SCORED_SEED = CONFIG["seeds"][0]


def measurement_of(node):
    return f"{RESULTS}/deployment/{node}.json"


def onnx_scores_of(model, language, variant):
    return f"{RESULTS}/onnx_scores/{model}/{language}/{variant}.json"


def deployment_files():
    """Measurements and scores after export of what tables of scores and of deployment show."""
    scored = {onnx_scores_of(run.model, run.language, run.variant) for run in DEPLOYED}
    return [*map(measurement_of, deployed(GRAPH)), *sorted(scored), *deployment_table_files()]


def onnx_folder(wildcards):
    return f"{RESULTS}/onnx/{checkpoint_of(wildcards)}"


def onnx_files(wildcards):
    return [f"{onnx_folder(wildcards)}/{name}" for name in ONNX_FILES]


def deployment_language(wildcards):
    """Whose held-out text is answered: the checkpoint's language, or the first one for all."""
    language = checkpoint_of(wildcards).language
    return GRAPH.evaluated[0] if language == ANY else language


def deployment_text(wildcards):
    return data_file(deployment_language(wildcards), "heldout")


def deployment_flags(wildcards):
    language = {"text_language": deployment_language(wildcards)}
    return flags(dict(wildcards.items()) | language | MEASURED)


def whole_machine(wildcards):
    """All cores of this run; on a cluster, as many as the configuration names a number for."""
    if workflow.local_exec:
        return workflow.cores or 1
    return max([1, *(number for number in MEASURED["threads"] if number != "all")])


def exported_runs(wildcards):
    """The runs of a variant that are scored after export, one for each task."""
    about = (wildcards.model, wildcards.language, wildcards.variant)
    return [run for run in DEPLOYED if (run.model, run.language, run.variant) == about]


def exported_records(wildcards):
    runs = exported_runs(wildcards)
    return [f"{RESULTS}/scores/{run}/seed{SCORED_SEED}.json" for run in runs]


def exported_adapters(wildcards):
    return [
        f"{RESULTS}/adapters/{run}/seed{SCORED_SEED}/{name}"
        for run in exported_runs(wildcards)
        for name in KEPT[CONFIG["tasks"][run.task]["tuning"]]
    ]


def exported_examples(wildcards):
    return [data_file(run.language, run.task) for run in exported_runs(wildcards)]


def exported_flags(wildcards):
    tasks = [run.task for run in exported_runs(wildcards)]
    about = {"tasks": tasks, "examples": exported_examples(wildcards), "seed": SCORED_SEED}
    names = f"{wildcards.model}/{wildcards.language}/{wildcards.variant}"
    folders = {kind: f"{RESULTS}/{kind}/{names}" for kind in ("adapters", "scores")}
    return flags(dict(wildcards.items()) | about | folders)


def deployment_cells(spec):
    """The cells of a table of deployment: variant and language, with their checkpoint."""
    return [
        (row.model, language, row.variant, GRAPH.checkpoint(row.model, language, row.variant))
        for row in deployment_rows(GRAPH, spec)
        for language in row.languages
    ]


def deployment_table_inputs(wildcards):
    """Measurements, scores, and the provenance that tells the energy."""
    files = []
    for model, language, variant, node in deployment_cells(CONFIG["tables"][wildcards.table]):
        files += [measurement_of(node), onnx_scores_of(model, language, variant)]
        files.append(f"{folder_of(node)}/{PROVENANCE}")
    return list(dict.fromkeys(files))


def deployment_table_flags(wildcards):
    return flags({"results": RESULTS, "country": CONFIG["energy"]["country"]})
