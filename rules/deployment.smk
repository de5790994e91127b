"""Deployment: checkpoints as ONNX graphs, and what each costs where it is used."""


rule export_onnx:
    input:
        checkpoint=evaluated_files,
    output:
        multiext(
            f"{RESULTS}/onnx/{{model}}/{{language}}/{{variant}}/",
            *ONNX_FILES,
            PROVENANCE,
        ),
    log:
        f"{RESULTS}/logs/export_onnx/{{model}}/{{language}}/{{variant}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/export_onnx/{{model}}/{{language}}/{{variant}}.tsv"
    wildcard_constraints:
        variant=one_of(ENCODERS),
    conda:
        "../envs/monoglot.yaml"
    resources:
        **on_cluster("export_onnx"),
    params:
        checkpoint=evaluated_folder,
        out=subpath(output[0], parent=True),
        code=code_of("scripts/export_onnx.py"),
    shell:
        "python scripts/export_onnx.py --checkpoint {params.checkpoint:q} --out {params.out:q}"
        " > {log:q} 2>&1"


rule score_onnx:
    input:
        checkpoint=evaluated_files,
        records=exported_records,
        adapters=exported_adapters,
        examples=exported_examples,
    output:
        json=f"{RESULTS}/onnx_scores/{{model}}/{{language}}/{{variant}}.json",
        provenance=f"{RESULTS}/onnx_scores/{{model}}/{{language}}/{{variant}}.{PROVENANCE}",
    log:
        f"{RESULTS}/logs/score_onnx/{{model}}/{{language}}/{{variant}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/score_onnx/{{model}}/{{language}}/{{variant}}.tsv"
    wildcard_constraints:
        language=one_of(GRAPH.evaluated),
        variant=one_of(ENCODERS),
    conda:
        "../envs/monoglot.yaml"
    resources:
        **on_cluster("score_onnx"),
    params:
        checkpoint=evaluated_folder,
        flags=exported_flags,
        code=code_of("scripts/score_onnx.py"),
    shell:
        "python scripts/score_onnx.py --checkpoint {params.checkpoint:q} {params.flags}"
        " --out {output.json:q} > {log:q} 2>&1"


# It takes the whole machine, last of all, so that nothing else of the run is timed beside it.
rule deploy:
    input:
        checkpoint=evaluated_files,
        graphs=onnx_files,
        text=deployment_text,
    output:
        json=f"{RESULTS}/deployment/{{model}}/{{language}}/{{variant}}.json",
        provenance=f"{RESULTS}/deployment/{{model}}/{{language}}/{{variant}}.{PROVENANCE}",
    log:
        f"{RESULTS}/logs/deploy/{{model}}/{{language}}/{{variant}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/deploy/{{model}}/{{language}}/{{variant}}.tsv"
    wildcard_constraints:
        variant=one_of(ENCODERS),
    priority: -1
    conda:
        "../envs/monoglot.yaml"
    threads: whole_machine
    resources:
        **on_cluster("deploy"),
        gpu=1,
        gpu_share=WHOLE,
        slurm_extra="--exclusive",
    params:
        checkpoint=evaluated_folder,
        graphs=onnx_folder,
        flags=deployment_flags,
        code=code_of("scripts/deploy.py"),
    shell:
        "python scripts/on_gpu.py --gpus {resources.gpu} --share {resources.gpu_share}"
        " python scripts/deploy.py --checkpoint {params.checkpoint:q} --graphs {params.graphs:q}"
        " --text {input.text:q} {params.flags} --out {output.json:q} > {log:q} 2>&1"
