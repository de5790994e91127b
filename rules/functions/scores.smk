"""What the rule that scores asks for."""

JOB = f"{RESULTS}/scores/{{model}}/{{language}}/{{variant}}/{{task}}"
RUN = f"{JOB}/seed{{seed}}"
RUN_PROVENANCE = f"{JOB}/{PROVENANCE}"
RECORDS = expand(f"{RUN}.json", seed=CONFIG["seeds"], allow_missing=True)
PREDICTIONS = expand(f"{RUN}.predictions.parquet", seed=CONFIG["seeds"], allow_missing=True)
ADAPTERS = f"{RESULTS}/adapters/{{model}}/{{language}}/{{variant}}/{{task}}"
BASELINES = GRAPH.of_operation("baseline")
ENCODERS = [name for name in GRAPH.variants if name not in BASELINES]


def kept_files(tuning):
    """Files of what the seeds of a job trained: adapters with their heads, or whole models."""
    return [f"{ADAPTERS}/seed{seed}/{name}" for seed in CONFIG["seeds"] for name in KEPT[tuning]]


def tasks_by(tuning):
    return one_of([name for name, about in CONFIG["tasks"].items() if about["tuning"] == tuning])


def evaluation_flags(wildcards):
    block = CONFIG["tasks"][wildcards.task]
    own = block | adapter_settings(CONFIG, wildcards.variant, wildcards.task)
    tuning = {key: own[key] for key in TuningSettings.model_fields}
    run = dict(wildcards.items()) | {"seeds": CONFIG["seeds"]}
    return shell_flags(run | own_keys(block) | tuning, TuningSettings)


def baseline_flags(wildcards):
    block = CONFIG["tasks"][wildcards.task]
    method = GRAPH.settings(checkpoint_of(wildcards))["method"]
    named = {"method": method, "seed": GRAPH.seeds(wildcards.variant)[0]}
    return flags(dict(wildcards.items()) | own_keys(block) | named)


def evaluated_files(wildcards):
    return files_of(checkpoint_of(wildcards))


def evaluated_folder(wildcards):
    return folder_of(checkpoint_of(wildcards))
