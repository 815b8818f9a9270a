NETWORK = f"{RESULTS}/network"
MADE_OF = cfg.training.model_dump(mode="json")


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
        log_of("network/train"),
    benchmark:
        timing_of("network/train")
    conda:
        environment("network")
    threads: 1
    resources:
        mem_mb=megabytes(3000),
        runtime=minutes(60),
    params:
        parameters=cfg.training,
        identity={"parameters": MADE_OF, "code": code_of("train.py")},
    script:
        "../scripts/train.py"


rule training_examples:
    """Ground truth at random frame rates and noise levels, and synthetic recordings, as the network sees them."""
    input:
        ground_truth=f"{RESULTS}/ground_truth.parquet",
    output:
        examples=temp(f"{NETWORK}/examples-{{kind}}.npz"),
    log:
        log_of("network/examples-{kind}"),
    benchmark:
        timing_of("network/examples-{kind}")
    conda:
        environment("network")
    threads: 1
    resources:
        mem_mb=megabytes(8000),
        runtime=minutes(60),
    params:
        parameters=cfg.training,
        identity={
            "parameters": {key: MADE_OF[key] for key in ("seed", "rounds", "lookaheads", "exclude")},
            "indicators": {name: indicator.model_dump() for name, indicator in indicators().items()},
            "code": code_of("training_examples.py"),
        },
    script:
        "../scripts/training_examples.py"


rule train_network:
    """One network, on all data sets or without those of a fold."""
    input:
        examples=f"{NETWORK}/examples-{{kind}}.npz",
    output:
        network=f"{NETWORK}/trained/{{kind}}-{{weights}}-{{member}}.safetensors",
    log:
        log_of("network/train-{kind}-{weights}-{member}"),
    benchmark:
        timing_of("network/train-{kind}-{weights}-{member}")
    conda:
        environment("network")
    threads: 1
    resources:
        mem_mb=megabytes(6000),
        runtime=minutes(120),
    params:
        parameters=cfg.training,
        identity={"parameters": MADE_OF, "code": code_of("train_network.py")},
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
        log_of("network/assess-{kind}-{fold}"),
    benchmark:
        timing_of("network/assess-{kind}-{fold}")
    conda:
        environment("network")
    threads: 1
    resources:
        mem_mb=megabytes(4000),
        runtime=minutes(60),
    params:
        parameters=cfg.training,
        identity={"parameters": MADE_OF, "code": code_of("assess_network.py")},
    script:
        "../scripts/assess_network.py"
