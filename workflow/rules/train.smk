NETWORK = f"{RESULTS}/network"


wildcard_constraints:
    kind="offline|online",
    weights=r"all|without-\d+",
    member=r"\d+",
    fold=r"\d+",


rule train:
    """Weights of the spike network, calibrated on data sets that they have not seen, and their model card."""
    input:
        ground_truth=f"{RESULTS}/ground_truth.parquet",
        networks=[f"{NETWORK}/trained/{name}.safetensors" for name in cfg.training.networks()],
        assessed=expand(
            f"{NETWORK}/assessed/{{kind}}-{{fold}}.parquet",
            kind=("offline", "online"),
            fold=range(cfg.training.folds),
        ),
    output:
        weights=[f"{NETWORK}/{name}.safetensors" for name in cfg.training.checkpoints()],
        card=f"{NETWORK}/README.md",
    log:
        plan.log("network/train"),
    benchmark:
        plan.timing("network/train")
    conda:
        "../../envs/network.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(3000),
        runtime=minutes(60),
    params:
        parameters=cfg.training,
        identity=identity("train"),
    script:
        "../scripts/train.py"


rule training_examples:
    """Ground truth at random frame rates and noise levels, and synthetic recordings, as the network sees them."""
    input:
        ground_truth=f"{RESULTS}/ground_truth.parquet",
    output:
        examples=temp(f"{NETWORK}/examples-{{kind}}.npz"),
    log:
        plan.log("network/examples-{kind}"),
    benchmark:
        plan.timing("network/examples-{kind}")
    conda:
        "../../envs/network.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(8000),
        runtime=minutes(60),
    params:
        parameters=cfg.training,
        identity=identity("training_examples"),
    script:
        "../scripts/training_examples.py"


rule train_network:
    """One network, on all data sets or without those of a fold."""
    input:
        examples=f"{NETWORK}/examples-{{kind}}.npz",
    output:
        network=f"{NETWORK}/trained/{{kind}}-{{weights}}-{{member}}.safetensors",
    log:
        plan.log("network/train-{kind}-{weights}-{member}"),
    benchmark:
        plan.timing("network/train-{kind}-{weights}-{member}")
    conda:
        "../../envs/network.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(6000),
        runtime=minutes(120),
    params:
        parameters=cfg.training,
        identity=identity("train_network"),
    script:
        "../scripts/train_network.py"


rule assess_network:
    """Accuracy and spike counts of a network on the data sets that it has not seen."""
    input:
        ground_truth=f"{RESULTS}/ground_truth.parquet",
        network=f"{NETWORK}/trained/{{kind}}-without-{{fold}}-0.safetensors",
    output:
        table=f"{NETWORK}/assessed/{{kind}}-{{fold}}.parquet",
    log:
        plan.log("network/assess-{kind}-{fold}"),
    benchmark:
        plan.timing("network/assess-{kind}-{fold}")
    conda:
        "../../envs/network.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(4000),
        runtime=minutes(60),
    params:
        parameters=cfg.training,
        identity=identity("assess_network"),
    script:
        "../scripts/assess_network.py"
