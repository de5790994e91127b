"""Deployment: checkpoints as ONNX graphs, and what each costs where it is used."""


rule export_onnx:
    input:
        checkpoint=experiment.files,
    output:
        multiext("<results>/onnx/{model}/{language}/{variant}/", *ONNX),
    log:
        "<logs>/export_onnx/{model}/{language}/{variant}.log",
    benchmark:
        "<benchmarks>/export_onnx/{model}/{language}/{variant}.tsv"
    wildcard_constraints:
        variant=experiment.encoders,
    conda:
        "../envs/monoglot.yaml"
    resources:
        **experiment.on_cluster("export_onnx"),
    params:
        **experiment.script("export_onnx"),
        checkpoint=experiment.folder,
        out=subpath(output[0], parent=True),
    shell:
        "python {params.script:q} --checkpoint {params.checkpoint:q} --out {params.out:q}"
        " > {log:q} 2>&1"


rule score_onnx:
    input:
        checkpoint=experiment.files,
        records=experiment.exported_records,
        adapters=experiment.exported_adapters,
        examples=experiment.exported_examples,
    output:
        json="<results>/onnx_scores/{model}/{language}/{variant}.json",
        provenance=f"<results>/onnx_scores/{{model}}/{{language}}/{{variant}}.{PROVENANCE}",
    log:
        "<logs>/score_onnx/{model}/{language}/{variant}.log",
    benchmark:
        "<benchmarks>/score_onnx/{model}/{language}/{variant}.tsv"
    wildcard_constraints:
        language=experiment.evaluated,
        variant=experiment.encoders,
    conda:
        "../envs/monoglot.yaml"
    resources:
        **experiment.on_cluster("score_onnx"),
    params:
        **experiment.script("score_onnx"),
        checkpoint=experiment.folder,
        flags=experiment.exported_flags,
    shell:
        "python {params.script:q} --checkpoint {params.checkpoint:q} {params.flags}"
        " --out {output.json:q} > {log:q} 2>&1"


# It takes the whole machine, last of all, so that nothing else of the run is timed beside it.
rule deploy:
    input:
        checkpoint=experiment.files,
        graphs=experiment.onnx_files,
        text=experiment.deployment_text,
    output:
        json="<results>/deployment/{model}/{language}/{variant}.json",
        provenance=f"<results>/deployment/{{model}}/{{language}}/{{variant}}.{PROVENANCE}",
    log:
        "<logs>/deploy/{model}/{language}/{variant}.log",
    benchmark:
        "<benchmarks>/deploy/{model}/{language}/{variant}.tsv"
    wildcard_constraints:
        variant=experiment.encoders,
    priority: -1
    conda:
        "../envs/monoglot.yaml"
    threads: experiment.whole_machine
    resources:
        **experiment.on_cluster("deploy"),
        gpu=1,
        gpu_share=WHOLE,
        slurm_extra="--exclusive",
    params:
        **experiment.gpu_script("deploy"),
        checkpoint=experiment.folder,
        graphs=experiment.onnx_folder,
        flags=experiment.deployment_flags,
    shell:
        "python {params.on_gpu:q} --gpus {resources.gpu} --share {resources.gpu_share}"
        " python {params.script:q} --checkpoint {params.checkpoint:q} --graphs {params.graphs:q}"
        " --text {input.text:q} {params.flags} --out {output.json:q} > {log:q} 2>&1"
