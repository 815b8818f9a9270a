"""Extraction with CNMF of CaImAn 1.12: constrained factorisation into footprints, calcium and background."""

from multiprocessing.pool import Pool
from pathlib import Path
from typing import Any, Literal

from pydantic import PositiveInt

from groundtrace.acquisition import Acquisition
from groundtrace.extraction.components import CLOSED, CaimanExtraction, keep_accepted, load, nested

CLOSED_HERE = {
    **CLOSED,
    "online.": "choose the backend `onacid`",
    "patch.rf": "use `patch_size`",
    "patch.stride": "use `patch_overlap`",
    "patch.only_init": "patches are initialised only, then the whole field is fitted",
    "init.K": "use `components_per_patch`",
    "init.nb": "use `background_components`",
    "patch.nb_patch": "use `background_components`",
    "spatial.nb": "use `background_components`",
    "temporal.nb": "use `background_components`",
}


class Cnmf(CaimanExtraction):
    """Constrained non-negative matrix factorisation (Pnevmatikakis et al. 2016) in overlapping patches, as in CaImAn
    1.12."""

    backend: Literal["cnmf"] = "cnmf"
    components_per_patch: PositiveInt = 6
    """Most cells to look for in a patch; more than there are gives components that are rejected or merged."""
    patch_size: PositiveInt | None = None
    """px, side of a patch; None takes four cell diameters."""
    patch_overlap: PositiveInt | None = None
    """px, by which neighbouring patches overlap; None takes one cell diameter."""
    background_components: PositiveInt = 2
    """Traces that the background of the field is made of."""
    refit: bool = True
    """Fit once more in the whole field, from the components of the patches: better footprints, twice the time."""

    def _fit(self, path: Path, settings: Any, processes: Pool) -> Any:
        from caiman.source_extraction.cnmf import CNMF  # pyright: ignore[reportMissingImports]

        images = load(path)
        model = CNMF(1, params=settings, dview=processes)
        model.fit(images)
        if not keep_accepted(model, images, processes):
            return None
        if self.refit:
            model = model.refit(images, dview=processes)
            model.estimates.evaluate_components(images, model.params, dview=processes)
        return model.estimates

    def _settings(self, diameter: float, acquisition: Acquisition, shape: tuple[int, ...]) -> dict[str, dict[str, Any]]:
        side = self.patch_size or round(4 * diameter)
        half = max(2, round(diameter / 2))
        return nested(
            self._shared(acquisition, shape),
            {
                "init": {
                    "K": self.components_per_patch,
                    "nb": self.background_components,
                    "gSig": [half, half],
                    "gSiz": [2 * half + 1, 2 * half + 1],
                },
                "patch": {
                    "rf": min(round(side / 2), (min(shape[1:]) - 1) // 2),
                    "stride": self.patch_overlap or round(diameter),
                    "nb_patch": self.background_components,
                },
            },
        )

    def _closed(self) -> dict[str, str]:
        return CLOSED_HERE

    def _advice(self) -> str:
        return "if there should be cells, check diameter_px, raise components_per_patch and look at the mean image"
