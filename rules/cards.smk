"""Model cards: README.md in the folder of each checkpoint that is scored."""

from monoglot.cards import TEMPLATE as CARD_TEMPLATE
from monoglot.cards import CardPlan, carded
from monoglot.files import sha256
from monoglot.paths import Paths

TARGETS["cards"] = [f"{folder_of(node)}/README.md" for node in carded(GRAPH)]
PLACES["cards"] = "models"


def card_plan(wildcards):
    return CardPlan(GRAPH, Paths(RESULTS), checkpoint_of(wildcards))


rule card:
    input:
        checkpoint=lambda wildcards: card_plan(wildcards).files,
        behind=lambda wildcards: card_plan(wildcards).provenance,
        records=lambda wildcards: card_plan(wildcards).records,
    output:
        card=f"{RESULTS}/models/{{model}}/{{language}}/{{variant}}/README.md",
        provenance=f"{RESULTS}/models/{{model}}/{{language}}/{{variant}}/README.{PROVENANCE}",
    log:
        f"{RESULTS}/logs/card/{{model}}/{{language}}/{{variant}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/card/{{model}}/{{language}}/{{variant}}.tsv"
    conda:
        "../envs/monoglot.yaml"
    params:
        spec=lambda wildcards: card_plan(wildcards).spec.model_dump_json(),
        # The template is no Python.
        code=[code_of("scripts/card.py"), sha256(CARD_TEMPLATE)],
    shell:
        "python scripts/card.py --records {input.records:q} --spec {params.spec:q}"
        " --out {output.card:q} > {log:q} 2>&1"


localrules:
    card,
