"""The acquisition card on the session page, its warnings, and what more cells would cost."""

import math
from dataclasses import replace

import numpy as np
import pytest

from groundtrace.acquisition import Setting
from groundtrace.microscope import Microscope
from groundtrace.report.parameters import ReportParameters
from groundtrace.report.sections.session.microscope.content import statement, trade_off
from groundtrace.report.session import SessionInputs, render_session, session_warnings
from tests.unit.report.report_decode import page_data
from tests.unit.report.report_example import with_accuracy

WIDE, SIZE = 128, 1.2
"""px and µm of the example."""


def of_microscope(session: SessionInputs, *settings: tuple, **fields) -> SessionInputs:
    told = tuple(Setting(name=name, value=value, source="SI.some.key") for name, value in settings)
    acquisition = session.acquisition.model_copy(update={"settings": told})
    return replace(session, acquisition=acquisition, microscope=Microscope(**fields) if fields else None)


def kinds(inputs: SessionInputs) -> dict[str, str]:
    found = session_warnings(inputs, ReportParameters())
    return {warning.kind: warning.title for warning in found if warning.step == "ingest"}


LENSES = {"objective_maker": "Nikon", "magnification": 16, "tube_lens": 200, "scan_lens": 50}


@pytest.mark.parametrize(("off", "warned"), [(1.02, False), (1.04, True), (0.95, True)])
def test_a_field_that_disagrees_with_the_optics_is_warned_about(session, off, warned):
    half = WIDE * SIZE / 2 * off  # µm; tan(α) f_o f_s / f_t
    angle = math.degrees(math.atan(half / (1e3 * 12.5 * 50 / 200)))
    found = kinds(of_microscope(session, ("zoom", 1.0), **LENSES, scan_angle=angle))
    assert ("field_disagrees" in found) == warned


def test_a_sheet_that_contradicts_the_file_is_warned_about(session):
    found = kinds(of_microscope(session, ("field_width", WIDE * SIZE * 2)))
    assert (
        found["field_disagrees"] == "The field is 154 µm wide by its pixel size, and 307 µm by the file (SI.some.key)"
    )
    assert "field_disagrees" not in kinds(of_microscope(session, ("field_width", WIDE * SIZE)))


def test_pixels_wider_than_the_focus_undersample_what_is_about_as_small(session):
    sharp = {"numerical_aperture": 0.8, "excitation_wavelength": 920}
    assert "undersampled" not in kinds(of_microscope(session, **sharp)), "somata are larger than that"
    session = replace(session, acquisition=session.acquisition.model_copy(update={"preparation": "dendrite"}))
    assert "2.8 times as wide as the focus (0.43 µm)" in kinds(of_microscope(session, **sharp))["undersampled"]
    assert "undersampled" not in kinds(of_microscope(session, **sharp | {"numerical_aperture": 0.25}))


def test_the_page_says_what_is_known_and_what_the_rest_needs(session):
    page = render_session(of_microscope(session, numerical_aperture=0.8), ReportParameters())
    assert "as if the beam filled it" in page
    assert "not known: needs laser wavelength" in page
    assert "config, microscopes.&lt;name&gt;.excitation_wavelength" in page


def test_noise_grows_with_the_root_of_the_cells_through_this_recording(session):
    found = trade_off(with_accuracy(session))
    assert found is not None
    assert found.noise == pytest.approx(session.cells["noise_level"].median(), rel=1e-6)
    assert found.noise_for(1) == found.noise
    assert found.noise_for(4) == pytest.approx(2 * found.noise)


def test_the_correlation_to_expect_is_that_of_the_cells_and_nowhere_else(session):
    inputs = with_accuracy(session)
    found = trade_off(inputs)
    assert found is not None
    cells = inputs.cell_spikes.fill_nan(None).drop_nulls("expected_correlation")
    middle = cells.filter(cells["noise_level"].is_between(found.noise * 0.9, found.noise * 1.1))
    assert found.expected(found.noise) == pytest.approx(middle["expected_correlation"].mean(), abs=0.03)
    assert found.expected(1.01 * found.high) is None
    assert "ν × 1.4 = " in statement(found, 2)
    assert "no cell here has that ν" in statement(found, 100)
    assert "correlation" not in statement(replace(found, fit=None), 2)


def test_the_plot_has_what_the_statement_has(session):
    data = page_data(render_session(with_accuracy(session), ReportParameters()))["tradeOff"]
    found = trade_off(with_accuracy(session))
    assert found is not None
    assert data["noise"] == pytest.approx(found.noise, rel=1e-6)
    assert data["fit"] == pytest.approx(found.fit, rel=1e-6)
    assert data["side"] == pytest.approx(WIDE * SIZE)


def test_without_a_cell_there_is_no_trade_off(session):
    none = replace(session, traces=session.traces.with_columns(accepted=False))
    assert trade_off(none) is None
    assert page_data(render_session(none, ReportParameters()))["tradeOff"] is None
    assert np.isfinite(session.cells["noise_level"].to_numpy()).all()
