"""Config of ground truth: where recordings with known spikes come from."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from groundtrace.errors import InputError
from groundtrace.section import Section

PATTERNS = {"cascade": "*.mat", "spikefinder": "*.csv", "parquet": "*.parquet", "nwb": "*.nwb"}
ARCHIVES = (".zip", ".tar.gz", ".tgz")


class GroundTruthSource(Section):
    """Recordings of neurons whose spikes were measured at the same time."""

    source: str = Field(min_length=1)
    """A folder (its subfolders are searched), a file, or the https URL of a .zip or .tar.gz. Relative
    paths start at the folder in which Snakemake runs."""
    format: Literal["cascade", "spikefinder", "parquet", "nwb"]
    """CASCADE's folders of .mat files, Spikefinder's pairs of CSV files, Parquet tables, or NWB files."""
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None
    """Checksum of the archive; required for a URL."""
    indicator: str | None = None
    """Indicator of all its neurons; empty takes it from the files. Spikefinder files have none."""
    species: str | None = None
    """Species of all its neurons; empty takes it from the files."""
    area: str | None = None
    """Brain area of all its neurons; empty takes it from the files."""
    cell_class: Literal["excitatory", "PV", "SST", "VIP", "interneuron"] | None = None
    """Class of all its neurons; empty takes it from the files."""

    @model_validator(mode="after")
    def _url_is_checked(self) -> "GroundTruthSource":
        if self.is_url:
            if not self.source.startswith("https://"):
                raise ValueError(f"source: {self.source!r} is not an https URL; download it yourself, or use https")
            if not self.source.endswith(ARCHIVES):
                raise ValueError(f"source: {self.source!r} is no archive; allowed are {', '.join(ARCHIVES)}")
            if self.sha256 is None:
                raise ValueError(f"sha256: missing, and required for the URL {self.source!r}: sha256sum of the archive")
        elif self.sha256 is not None:
            raise ValueError(f"sha256: only for a URL, and {self.source!r} is a path; remove it")
        return self

    @property
    def is_url(self) -> bool:
        return "://" in self.source

    def files(self) -> list[Path]:
        """Files of a source that is no URL, sorted."""
        root, pattern = Path(self.source), PATTERNS[self.format]
        if root.is_file():
            if self.format == "spikefinder":
                return sorted(root.parent.glob(root.name.replace(".calcium.csv", ".*.csv")))
            return [root]
        found = sorted(path for path in root.rglob(pattern) if path.is_file())
        if not found:
            problem = f"holds no {pattern}" if root.is_dir() else "does not exist"
            raise InputError(f"ground_truth: {self.source} {problem}; name a folder or file of format {self.format}")
        return found
