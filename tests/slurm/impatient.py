"""`snakemake` that asks Slurm every two seconds: the plugin asks ten seconds later each time that no job has ended."""

import sys

from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

RemoteExecutor.next_seconds_between_status_checks = property(  # pyright: ignore[reportAttributeAccessIssue]
    lambda self: 2, lambda self, seconds: None
)

if __name__ == "__main__":
    main(sys.argv[1:])
