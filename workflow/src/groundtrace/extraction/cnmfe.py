"""Extraction with CNMF-E of CaImAn 1.12: CNMF for movies with a strong, blurred background, as one photon gives."""

from multiprocessing.pool import Pool
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from groundtrace.acquisition import Acquisition
from groundtrace.extraction.components import CLOSED, CaimanExtraction, keep_accepted, load, nested

CLOSED_HERE = {
    **CLOSED,
    "online.": "choose the backend `onacid`",
    "patch.rf": "use `patch_size`",
    "patch.stride": "use `patch_overlap`",
    "patch.only_init": "patches are initialised only",
    "patch.nb_patch": "the ring around each pixel is its background",
    "patch.low_rank_background": "the ring around each pixel is its background",
    "init.K": "use `min_correlation` and `min_peak_to_noise`",
    "init.nb": "the ring around each pixel is its background",
    "init.min_corr": "use `min_correlation`",
    "init.min_pnr": "use `min_peak_to_noise`",
    "init.ssub_B": "use `background_binning`",
    "init.ring_size_factor": "use `ring_radius`",
    "spatial.nb": "the ring around each pixel is its background",
    "temporal.nb": "the ring around each pixel is its background",
}


class CnmfE(CaimanExtraction):
    """CNMF-E (Zhou et al. 2018) in overlapping patches, as in CaImAn 1.12. Cells start where a pixel correlates with
    its neighbours and peaks above the noise; the background of a pixel is a weighted sum of a ring around it."""

    backend: Literal["cnmfe"] = "cnmfe"
    min_correlation: float = Field(default=0.8, ge=0, le=1)
    """Correlation of a pixel with its neighbours, in the filtered movie, from which it may be a cell's centre."""
    min_peak_to_noise: PositiveFloat = 10.0
    """Peak of a pixel over its noise, in the filtered movie, from which it may be a cell's centre."""
    ring_radius: float = Field(default=1.4, gt=1)
    """Cell diameters, radius of the ring of background pixels."""
    background_binning: PositiveInt = 2
    """px, averaged for the background; larger for less memory, which is about 8 bytes x movie / its square."""
    patch_size: PositiveInt | None = None
    """px, side of a patch; None takes ten cell diameters."""
    patch_overlap: PositiveInt | None = None
    """px, by which neighbouring patches overlap; None takes two and a half cell diameters."""

    @property
    def takes_background(self) -> bool:
        return True

    def _fit(self, path: Path, settings: Any, processes: Pool) -> Any:
        from caiman.source_extraction.cnmf import CNMF  # pyright: ignore[reportMissingImports]

        images = load(path)
        model = CNMF(1, params=settings, dview=processes)
        model.fit(images)
        return model.estimates if keep_accepted(model, images, processes) else None

    def _settings(self, diameter: float, acquisition: Acquisition, shape: tuple[int, ...]) -> dict[str, dict[str, Any]]:
        # CNMF-E means the SD of a Gaussian, and the diameter of its window.
        sd, window = max(1, round(diameter / 4)), round(diameter) + 1
        side = self.patch_size or round(10 * diameter)
        return nested(
            self._shared(acquisition, shape),
            {
                "init": {
                    "K": None,
                    "nb": 0,
                    "gSig": [sd, sd],
                    "gSiz": [window, window],
                    "method_init": "corr_pnr",
                    "center_psf": True,
                    "normalize_init": False,
                    "min_corr": self.min_correlation,
                    "min_pnr": self.min_peak_to_noise,
                    "ring_size_factor": self.ring_radius,
                    "ssub": 1,
                    "ssub_B": self.background_binning,
                },
                "patch": {
                    "rf": min(round(side / 2), (min(shape[1:]) - 1) // 2),
                    "stride": self.patch_overlap or round(2.5 * diameter),
                    "nb_patch": 0,
                    "low_rank_background": None,
                    "del_duplicates": True,
                },
            },
        )

    def _closed(self) -> dict[str, str]:
        return CLOSED_HERE

    def _advice(self) -> str:
        return (
            "if there should be cells, lower min_correlation and min_peak_to_noise, check diameter_px and look at the "
            "mean image"
        )
