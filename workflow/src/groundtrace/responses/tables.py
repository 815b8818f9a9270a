"""Tables of responses to stimuli."""

import polars as pl

from groundtrace.tables import Floats, Series, Table, Times, column


class Presentations(Table):
    """One row per presentation of a stimulus, in the order of time; then the columns of the user's own file."""

    presentation: Series[pl.Int32] = column("", "0-based", low=0, unique=True)
    start_time: Series[pl.Float64] = column("s", "since the first frame")
    stop_time: Series[pl.Float64] = column("s", "since the first frame")
    start_frame: Series[pl.Int32] = column("", "first frame at or after the start", low=0)
    stop_frame: Series[pl.Int32] = column("", "first frame at or after the stop", low=0)
    stimulus: Series[str] = column("", "its name")
    image: Series[str] = column("", "id of the image; missing where none is shown", nullable=True)
    condition: Series[pl.Int32] = column(
        "", "0-based; presentations of one condition are repeats; missing for grey", low=0, nullable=True
    )
    repeat: Series[pl.Int32] = column("", "0-based among those of its condition", low=0, nullable=True)


OURS = ("presentation", "condition", "repeat")
"""Names that a column of the user's own may not have."""
KNOWN = ("presentation", "start_time", "stop_time", "start_frame", "stop_frame", "stimulus", "image", *OURS[1:])


def presentations_table(frame: pl.DataFrame) -> type[Presentations]:
    """The table Presentations with the columns of the user's own that `frame` has."""
    own = {name: kind for name, kind in frame.schema.items() if name not in KNOWN}
    columns = {name: column("", "as in the file of stimuli", nullable=True) for name in own}
    annotations = {name: Series[type(kind)] for name, kind in own.items()}
    return type("Presentations", (Presentations,), {"__annotations__": annotations, **columns})


class Units(Table):
    """One row per unit of a file of sorted spikes: takes the place of the table Spikes."""

    roi: Series[pl.Int32] = column("", "0-based, in the order of the file", low=0, unique=True)
    accepted: Series[bool] = column("", "counts as a cell")
    unit: Series[str] = column("", "its id in the file", unique=True)
    area: Series[str] = column("", "brain area, by the electrode of its peak channel", nullable=True)
    quality: Series[str] = column("", "as the file has it", nullable=True)
    mean_rate: Series[pl.Float32] = column("Hz", "spikes over the duration of the recording", low=0)
    spike_times: Times = column("s", "sorted, on the clock of the stimuli")


class Responses(Table):
    """One row per ROI: its response to each presentation."""

    roi: Series[pl.Int32] = column("", "0-based", low=0, unique=True)
    accepted: Series[bool] = column("", "counts as a cell")
    response: Floats = column(
        "spikes", "expected number in the window, one value per presentation; NaN where too few frames are usable"
    )
    response_error: Floats = column(
        "spikes",
        "standard error of each by the predictive distribution of the inference; empty when the backend has none",
    )
    expected_r2: Series[pl.Float32] = column(
        "",
        "squared Pearson r with true numbers of spikes in such windows that ground truth leads one to expect; 1 of "
        "sorted spikes; missing where the accuracy of the backend is not known",
        nullable=True,
    )
    expected_r2_error: Series[pl.Float32] = column("", "its standard error", low=0, nullable=True)


ERROR = "its standard error"


class Reliability(Table):
    """One row per ROI: how reliably it responds. Standard errors are over trials of the same conditions."""

    roi: Series[pl.Int32] = column("", "0-based", low=0, unique=True)
    accepted: Series[bool] = column("", "counts as a cell")
    selected: Series[bool] = column("", "by the rule in the config, section responses")
    trials: Series[pl.Int32] = column("", "presentations with a response, of conditions with at least two", low=0)
    oracle: Series[pl.Float32] = column(
        "",
        "Pearson r of each trial with the mean of the others of its condition, times the share of repeated conditions",
        nullable=True,
    )
    oracle_error: Series[pl.Float32] = column("", ERROR, low=0, nullable=True)
    oracle_corrected: Series[pl.Float32] = column(
        "",
        "the same of the spikes themselves: without what errors of the inference take from it, by ground truth; "
        "missing where the accuracy of the backend is not known",
        nullable=True,
    )
    oracle_corrected_error: Series[pl.Float32] = column(
        "", "its standard error, with that of the accuracy of the inference", low=0, nullable=True
    )
    split_half: Series[pl.Float32] = column(
        "",
        "Pearson r of mean responses to odd and to even repeats, for all repeats (Spearman and Brown)",
        nullable=True,
    )
    split_half_error: Series[pl.Float32] = column("", ERROR, low=0, nullable=True)
    variance: Series[pl.Float32] = column("spikes²", "of mean responses over conditions", nullable=True)
    variance_error: Series[pl.Float32] = column("spikes²", ERROR, low=0, nullable=True)
    signal_power: Series[pl.Float32] = column(
        "spikes²",
        "variance of true mean responses: that of the measured ones without the noise of trials",
        nullable=True,
    )
    signal_power_error: Series[pl.Float32] = column("spikes²", ERROR, low=0, nullable=True)
    ceiling: Series[pl.Float32] = column(
        "",
        "largest r that a prediction can have with the mean responses, √(signal power / variance); CCnorm is r over it",
        nullable=True,
    )
    ceiling_error: Series[pl.Float32] = column("", ERROR, low=0, nullable=True)
    explainable: Series[pl.Float32] = column(
        "fraction", "share of the variance of single trials that the condition explains", nullable=True
    )
    explainable_error: Series[pl.Float32] = column("fraction", ERROR, low=0, nullable=True)
    sparseness: Series[pl.Float32] = column(
        "",
        "over conditions (Vinje & Gallant 2000), without the noise of trials; 0 is even, 1 is one condition",
        nullable=True,
    )
    sparseness_error: Series[pl.Float32] = column("", ERROR, low=0, nullable=True)
    entropy: Series[pl.Float32] = column(
        "bit", "of mean responses in bins as wide as their own standard error", nullable=True
    )
    entropy_error: Series[pl.Float32] = column("bit", ERROR, low=0, nullable=True)
    tuning_p: Series[pl.Float32] = column(
        "", "that responses do not depend on the condition: a permutation test", low=0, high=1, nullable=True
    )
    signal_partner: Series[pl.Int32] = column(
        "",
        "cell with the most positive signal correlation",
        nullable=True,
    )
    signal_partner_r: Series[pl.Float32] = column("", "that correlation", nullable=True)
    signal_partner_r_error: Series[pl.Float32] = column("", ERROR, low=0, nullable=True)
    signal_opponent: Series[pl.Int32] = column(
        "",
        "cell with the most negative signal correlation",
        nullable=True,
    )
    signal_opponent_r: Series[pl.Float32] = column("", "that correlation", nullable=True)
    signal_opponent_r_error: Series[pl.Float32] = column("", ERROR, low=0, nullable=True)
    noise_partner: Series[pl.Int32] = column(
        "",
        "cell with the most positive noise correlation",
        nullable=True,
    )
    noise_partner_r: Series[pl.Float32] = column("", "that correlation", nullable=True)
    noise_partner_r_error: Series[pl.Float32] = column("", ERROR, low=0, nullable=True)
    noise_opponent: Series[pl.Int32] = column(
        "",
        "cell with the most negative noise correlation",
        nullable=True,
    )
    noise_opponent_r: Series[pl.Float32] = column("", "that correlation", nullable=True)
    noise_opponent_r_error: Series[pl.Float32] = column("", ERROR, low=0, nullable=True)
    outlier_score: Series[pl.Float32] = column(
        "", "isolation forest on oracle, variance, sparseness, entropy and explainable; 0.5 is usual", nullable=True
    )
    outlier: Series[bool] = column("", "stands apart from the other cells: score above 0.6")


class Tuning(Table, key=("roi", "parameter", "period")):
    """One row per ROI and column of numbers that was varied."""

    roi: Series[pl.Int32] = column("", "0-based", low=0)
    parameter: Series[str] = column("", "the column")
    period: Series[pl.Float32] = column("", "after which values come back: 180 or 360 of an angle", nullable=True)
    value: Floats = column("", "values that were shown")
    response: Floats = column("spikes", "mean response to each")
    response_error: Floats = column("spikes", "standard error of each, from all trials")
    preferred: Series[pl.Float32] = column("", "value of the peak of the fitted curve", nullable=True)
    preferred_error: Series[pl.Float32] = column("", "its standard error", low=0, nullable=True)
    selectivity: Series[pl.Float32] = column(
        "",
        "length of the mean vector of an angle (1 - circular variance), else sparseness over values; without the noise "
        "of trials, so that it is below 0 as often as above where nothing is tuned",
        nullable=True,
    )
    selectivity_error: Series[pl.Float32] = column("", "its standard error", low=0, nullable=True)
