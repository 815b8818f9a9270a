onstart:
    # For its limit of 100 new jobs a second Snakemake 9.27 comes back a second after every look at the jobs that are
    # ready, besides the look after every job that ends: one more look a second for each, a timer (a thread) for each
    # look, and in the end nothing else (snakemake/snakemake#3804). Without the limit it looks when a job ends.
    workflow.scheduler.job_rate_limiter = None
