"""Config section `training`: how the network's weights are made."""

from collections.abc import Iterable

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt

from groundtrace.section import Section

INTERNEURONS = ("PV", "SST", "VIP", "Interneuron")
"""Words in the names of data sets of interneurons."""


class TrainingParameters(Section):
    """Training of the spike network, by `snakemake train`."""

    seed: int = 0
    """Seed of examples, weights and order."""
    rounds: PositiveInt = 8
    """Times that each recording is drawn, at another frame rate and noise level, and again with a random indicator."""
    steps: PositiveInt = 2600
    """Batches that a network learns from."""
    online_steps: PositiveInt = 1600
    """The same of a network with a limited lookahead."""
    batch: PositiveInt = 32
    """Stretches of recording per batch."""
    window: PositiveInt = 640
    """Frames per stretch."""
    learning_rate: PositiveFloat = 2e-3
    """Learning rate at the start; it falls to 1 % along a cosine."""
    count_weight: NonNegativeFloat = 0.3
    """Weight of the log-likelihood of spike counts against the squared error of rates."""
    synthetic_weight: NonNegativeFloat = 0.8
    """Weight of the synthetic recordings of a data set's spikes against its real ones."""
    interneuron_weight: NonNegativeFloat = 0.4
    """Weight of data sets of interneurons against others of the same size."""
    members: PositiveInt = 1
    """Networks that are averaged where no data set is left out."""
    folds: PositiveInt = 6
    """Networks trained without a part of the data sets each, to know the accuracy on data never seen."""
    lookaheads: tuple[int, ...] = (0, 1, 2, 4, 8, 16, 32)
    """Frames that the online network may look ahead."""
    exclude: tuple[str, ...] = ("X-",)
    """Data sets not to learn from, by the start of their names: simulated ones."""
    together: tuple[tuple[str, ...], ...] = (
        ("DS02", "DS22", "DS23"),
        ("DS10", "DS11", "DS12", "DS13"),
        ("DS24", "DS25", "DS26"),
    )
    """Data sets of one laboratory's release, by the start of their names: always left out together."""

    def left_out(self, weights: str, datasets: Iterable[str]) -> tuple[str, ...]:
        """Those of `datasets` that the weights `all` or `without-<fold>` do not learn from."""
        if weights == "all":
            return ()
        groups: dict[str, list[str]] = {}
        for name in sorted(set(datasets)):
            release = next((r[0] for r in self.together if name.startswith(r)), name)
            groups.setdefault(release, []).append(name)
        fold = int(weights.removeprefix("without-"))
        return tuple(name for k, group in enumerate(groups.values()) if k % self.folds == fold for name in group)

    def networks(self) -> list[str]:
        """Names of all networks to train: kind, weights, member."""
        folds = [f"{kind}-without-{fold}-0" for kind in ("offline", "online") for fold in range(self.folds)]
        return [*(f"offline-all-{member}" for member in range(self.members)), "online-all-0", *folds]

    def checkpoints(self) -> list[str]:
        """Names of the weights that come out."""
        names = ["all", *(f"without-{fold}" for fold in range(self.folds))]
        return [*names, *(f"online-{name}" for name in names)]
