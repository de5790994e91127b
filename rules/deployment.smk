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
        **experiment.script("export_onnx"),
        checkpoint=evaluated_folder,
        out=subpath(output[0], parent=True),
    shell:
        "python {params.script:q} --checkpoint {params.checkpoint:q} --out {params.out:q}"
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
        **experiment.script("score_onnx"),
        checkpoint=evaluated_folder,
        flags=exported_flags,
    shell:
        "python {params.script:q} --checkpoint {params.checkpoint:q} {params.flags}"
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
        **experiment.gpu_script("deploy"),
        checkpoint=evaluated_folder,
        graphs=onnx_folder,
        flags=deployment_flags,
    shell:
        "python {params.on_gpu:q} --gpus {resources.gpu} --share {resources.gpu_share}"
        " python {params.script:q} --checkpoint {params.checkpoint:q} --graphs {params.graphs:q}"
        " --text {input.text:q} {params.flags} --out {output.json:q} > {log:q} 2>&1"
