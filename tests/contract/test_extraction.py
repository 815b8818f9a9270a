"""What every extraction backend promises, over all of them."""

import numpy as np
import pytest

from groundtrace.extraction.cnmf import Cnmf
from groundtrace.extraction.cnmfe import CnmfE
from groundtrace.extraction.onacid import OnAcid
from groundtrace.extraction.suite2p import Suite2pExtraction
from groundtrace.extraction.transients import Transients
from groundtrace.testing.extraction import ExtractionContract
from tests.packages import require

# The faster regression: CaImAn's backends take minutes for this file with the other.
BACKENDS = {
    "transients": Transients(),
    "suite2p": Suite2pExtraction(),
    "cnmf": Cnmf(regression="nnls_L0"),
    "cnmfe": CnmfE(min_correlation=0.5, min_peak_to_noise=5, regression="nnls_L0"),
    "onacid": OnAcid(),
}


@pytest.fixture(params=BACKENDS, scope="module")
def contract(request) -> ExtractionContract:
    require(BACKENDS[request.param])
    return ExtractionContract(BACKENDS[request.param])


@pytest.mark.parametrize("promise", ExtractionContract.promises(), ids=lambda promise: promise.name)
def test_promise(contract, promise, tmp_path):
    promise.check(contract, tmp_path)


@pytest.fixture(scope="module")
def transients() -> ExtractionContract:
    return ExtractionContract(Transients())


@pytest.mark.parametrize("sheet", [{"frame_rate": 2.5}, {"frame_rate": 40.0}, {"indicator": "GCaMP6s"}], ids=str)
def test_a_slip_in_the_sheet_does_not_decide_which_rois_transients_finds(sheet, transients, tmp_path):
    right, wrong = transients.found, transients.run(transients.truth.movie, tmp_path, **sheet)
    for name in ("pixel_y", "pixel_x", "weight"):
        for one, other in zip(getattr(right, name), getattr(wrong, name), strict=True):
            np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(right.accepted, wrong.accepted)
    np.testing.assert_array_equal(right.fluorescence, wrong.fluorescence)
