"""How fast the light of a recording fades."""

import numpy as np
import polars as pl


def fading(frames: pl.DataFrame) -> pl.DataFrame:
    """Exponential fit to the brightness of the frames with light; the table Bleaching of the table Frames."""
    lit = frames.filter(~pl.col("blank") & (pl.col("brightness") > 0))
    minutes, light = lit["time"].to_numpy() / 60, np.log(lit["brightness"].to_numpy())
    (slope, _), covariance = np.polyfit(minutes, light, 1, cov=True)
    values = {"rate": -slope, "rate_error": np.sqrt(covariance[0, 0])}
    return pl.DataFrame({name: [value] for name, value in values.items()}, schema=dict.fromkeys(values, pl.Float32))
