"""Extraction with OnACID of CaImAn 1.12: CNMF frame by frame, in little memory."""

from multiprocessing.pool import Pool
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, PositiveInt

from groundtrace.acquisition import Acquisition
from groundtrace.extraction.components import CLOSED, CaimanExtraction, keep_accepted, load, nested
from groundtrace.needs import Need

CLOSED_HERE = {
    **CLOSED,
    "patch.": "the whole field is fitted at once",
    "init.K": "use `first_components`",
    "init.nb": "use `background_components`",
    "spatial.nb": "use `background_components`",
    "temporal.nb": "use `background_components`",
    "online.init_batch": "use `first_frames`",
    "online.init_method": "it starts from `first_components`",
    "online.epochs": "use `passes`",
    "online.motion_correct": "the movie is registered already",
    "online.min_SNR": "use `candidate_snr`",
    "online.rval_thr": "use `candidate_correlation`",
    "online.ds_factor": "every pixel is used",
    "online.show_movie": "nobody is there to watch",
    "online.save_online_movie": "nobody is there to watch",
}


class OnAcid(CaimanExtraction):
    """Online CNMF (OnACID; Giovannucci et al. 2017), as in CaImAn 1.12: components are added as frames show them."""

    need: ClassVar[Need] = Need(1000, gigabyte=2500, seconds=10, gigabyte_seconds=250)

    backend: Literal["onacid"] = "onacid"
    first_frames: int = Field(default=200, ge=50)
    """Good frames from which the first components are taken."""
    first_components: PositiveInt = 30
    """Most cells to look for in the first frames."""
    background_components: PositiveInt = 2
    """Traces that the background of the field is made of."""
    passes: PositiveInt = 2
    """Times to go through the movie: cells that are found late are measured from the start by the second."""
    candidate_snr: float = Field(default=1.5, ge=0)
    """Peak over noise from which a candidate becomes a component."""
    candidate_correlation: float = Field(default=0.85, ge=-1, le=1)
    """Correlation of a candidate's footprint with the latest frames from which it becomes a component."""

    def _fit(self, path: Path, settings: Any, processes: Pool) -> Any:
        from caiman.source_extraction.cnmf.online_cnmf import OnACID  # pyright: ignore[reportMissingImports]

        images = load(path)
        settings.change_params({"data": {"fnames": [str(path)]}})
        model = OnACID(params=settings, dview=processes)
        model.fit_online()
        return model.estimates if keep_accepted(model, images, processes) else None

    def _settings(self, diameter: float, acquisition: Acquisition, shape: tuple[int, ...]) -> dict[str, dict[str, Any]]:
        half, first = max(2, round(diameter / 2)), min(self.first_frames, shape[0])
        return nested(
            self._shared(acquisition, shape),
            {
                "init": {
                    "K": self.first_components,
                    "nb": self.background_components,
                    "gSig": [half, half],
                    "gSiz": [2 * half + 1, 2 * half + 1],
                },
                "online": {
                    "init_batch": first,
                    "minibatch_shape": min(100, first),
                    "init_method": "bare",
                    "motion_correct": False,
                    "normalize": True,
                    "epochs": self.passes,
                    "min_SNR": self.candidate_snr,
                    "rval_thr": self.candidate_correlation,
                    "sniper_mode": False,
                },
                # CaImAn compares the number of its chunks with `init_batch`, though it corrects no motion here.
                "motion": {"num_frames_split": shape[0]},
            },
        )

    def _closed(self) -> dict[str, str]:
        return CLOSED_HERE

    def _advice(self) -> str:
        return "if there should be cells, lower candidate_snr, check diameter_px and look at the mean image"
