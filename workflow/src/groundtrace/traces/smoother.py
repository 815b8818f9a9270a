"""A trace that rises, decays, drifts and jumps, under noise of known variance: draws from all that the noise leaves
possible.

y[t] = x[t] + b[t] + Σ_j β_j z_j[t] + noise of variance v[t]
x[t] = γ x[t-1] + r[t], r[t] = ρ r[t-1] + (1 - ρ) w[t]
w[t] ~ N(m_k, q_k): one small component (quiet) and several of rising size (events)
b[t] = b[t-1] + u[t], u[t] ~ N(0, q_b)
z_j: known traces, on which this one loads with an unknown β_j

The component of each frame depends on that of the frame before: an event often goes on. It is drawn with the states
integrated out (Gerlach, Carter & Kohn 2000), and so are the loadings, γ, ρ and the variances; the states by forward
filtering and backward sampling, other parameters from their conditional distributions. Compiled.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from groundtrace.arrays import FloatArray
from groundtrace.traces.state_space import Model, backward, draw_loadings, draw_states, empty_chain, forward, likelihood

EVENTS = np.array([0.75, 1.5, 3.0, 6.0, 12.0, 24.0])
"""Mean size of an event per component, in standard deviations of the noise; their own deviation is half of that."""
ENTER, STAY = (1.0, 50.0), (2.0, 4.0)
"""Pseudo-counts of the Beta priors of an event after a quiet frame, and after an event: with one, and without."""
SIZES = 1.0
"""Pseudo-count of each size in the Dirichlet prior of the sizes of events."""
QUIET_FRAMES, DRIFT_FRAMES = 30.0, 12.0
"""Degrees of freedom of the scaled inverse χ² priors of the variance of quiet steps, and of that of the drift."""
HIGH = (0.1, 1e-3)
"""Both variances at the start, over that of the noise: from there, events are found in fewer sweeps than from below."""
STRIDE = 1.0
"""Standard deviation of the logarithm of a variance's proposal over what it was."""
FINEST = 0.01
"""Finest step of decay or rise over the coarsest, which is two standard deviations of the prior."""
LEAST = 0.05
"""Variance of the noise of the darkest frame over that of the mean."""
EACH = 2
"""Draws of the states in a sweep: they cost less than components, and vary more between events."""
FIRST = 25.0
"""Variance of the first frame's states over that of the noise."""


class Prior(NamedTuple):
    """What is known of a trace before it is measured."""

    decay: float
    """γ ..."""
    decay_error: float
    """... and its standard deviation."""
    rise: float
    """ρ ..."""
    rise_error: float
    """... and its standard deviation."""
    quiet: float
    """Variance of w in a quiet frame of a trace without events ..."""
    unseen: float
    """... and what it gains per light that events bring to a frame: the size of those too small to be told apart."""
    drift: float
    """Variance of u."""
    loading: FloatArray
    """(n_known,) β ..."""
    loading_error: FloatArray
    """... and their standard deviations, above 0."""


@njit(cache=True)
def draw_traces(y, v, slope, known, prior, count, burn, random):
    """Draws (count, n_frames) of x + b + Σ β z from their posterior, and the probability (n_frames,) of an event.

    y, v: (n_frames,) measured values and variance of their noise where y has its mean. slope: change of the variance
    with the trace, which follows once that is known roughly. known: (n_frames, n_known) z. prior: Prior. burn: sweeps
    that are discarded first (burn-in). random: numpy.random.Generator.
    """
    frames, unit, loading = len(y), np.median(v), prior.loading.copy()
    common = known @ loading
    model, chain = _begin(y - common, unit, prior)
    kept, learning = (count + EACH - 1) // EACH, burn // 2 - burn // 4
    draws, (trace, rough, events) = np.zeros((kept, EACH, frames), np.float32), np.zeros((3, frames))
    brought, middle = 0.0, y.mean()
    for sweep in range(burn + kept):
        own = y - common
        # q_0, q_b, γ, ρ ~ p(· | y, k, β), the states integrated out
        model = _judged(own, v, model, chain.kind, prior, random)
        # k[t] ~ p(k[t] | y, k of all other frames, β), the states integrated out
        backward(own, v, model, chain)
        forward(own, v, model, chain, random)
        # β ~ p(β | y, k), the states integrated out
        loading = draw_loadings(known, loading, prior.loading, prior.loading_error, model, chain, random)
        common = known @ loading
        # x, r, b ~ p(x, r, b | y, k, β)
        for k in range(EACH):
            draw_states(model, chain, random)
            trace = chain.state[:, 0] + chain.state[:, 2] + common
            if sweep < burn:
                break
            draws[sweep - burn, k] = trace
        # probabilities of components, q_0, q_b ~ p(· | k, x, r, b)
        model = _parameters(model, chain, prior, random)
        if burn // 4 <= sweep < burn // 2:
            rough += trace / learning
            brought += _brought(model, chain) / learning
        if sweep == burn // 2 - 1:
            # photon noise: v[t] grows with the light
            v = np.maximum(v + slope * (rough - middle), LEAST * v)
            prior = _for_activity(prior, brought)
        if sweep >= burn:
            events += chain.kind > 0
    return draws.reshape(-1, frames)[:count], events / kept


@njit(cache=True)
def _brought(model, chain):
    """Mean light that events bring to a frame: (Σ_events w) / n_frames, with (1 - ρ) w[t] = r[t] - ρ r[t-1]."""
    kind, r = chain.kind[1:], chain.state[:, 1]
    return (r[1:] - model.rise * r[:-1])[kind > 0].sum() / (1 - model.rise) / len(r)


@njit(cache=True)
def _for_activity(prior, brought):
    """Prior of a trace to whose frames events bring so much light: q_quiet + q_unseen × light."""
    quiet = prior.quiet + prior.unseen * max(brought, 0.0)
    return Prior(
        prior.decay,
        prior.decay_error,
        prior.rise,
        prior.rise_error,
        quiet,
        prior.unseen,
        prior.drift,
        prior.loading,
        prior.loading_error,
    )


@njit(cache=True)
def _begin(y, unit, prior):
    """Parameters and states to begin with. unit: variance of the noise."""
    frames, count = len(y), len(EVENTS) + 1
    mean = np.concatenate((np.zeros(1), EVENTS * np.sqrt(unit)))
    spread = np.concatenate((np.array([HIGH[0] * unit]), (EVENTS / 2) ** 2 * unit))
    chance = np.array([ENTER[0] / (ENTER[0] + ENTER[1]), STAY[0] / (STAY[0] + STAY[1])])
    moves = _moves(chance, np.full(count - 1, 1 / (count - 1)))
    return (
        Model(prior.decay, prior.rise, HIGH[1] * unit, mean, spread, moves, (np.median(y), FIRST * unit)),
        empty_chain(frames),
    )


@njit(cache=True)
def _moves(chance, size):
    """π[j, k] = P(event | j) P(size k). chance: of an event after a quiet frame and after an event."""
    count = len(size) + 1
    moves = np.empty((count, count))
    for k in range(count):
        event = chance[min(k, 1)]
        moves[k, 0], moves[k, 1:] = 1 - event, event * size
    return moves


@njit(cache=True)
def _parameters(model, chain, prior, random):
    """Draws the probabilities of components and the two variances, given components and states."""
    kind, state = chain.kind, chain.state
    frames, count = len(kind), len(model.mean)
    followed, sizes = np.zeros((2, 2)), np.full(count - 1, SIZES)
    quiet, squares, wander = 0, 0.0, 0.0
    # n of transitions and sizes; Σ (r[t] - ρ r[t-1])² of quiet frames; Σ (b[t] - b[t-1])²
    for t in range(1, frames):
        k = kind[t]
        followed[min(kind[t - 1], 1), min(k, 1)] += 1
        if k:
            sizes[k - 1] += 1
        else:
            quiet += 1
            squares += (state[t, 1] - model.rise * state[t - 1, 1]) ** 2
        wander += (state[t, 2] - state[t - 1, 2]) ** 2
    # w = (r[t] - ρ r[t-1]) / (1 - ρ)
    squares /= (1 - model.rise) ** 2
    # P(event | before) ~ Beta(a + n_event, b + n_quiet)
    chance = np.empty(2)
    for before, (events, others) in enumerate((ENTER, STAY)):
        yes = random.gamma(events + followed[before, 1], 1.0)
        no = random.gamma(others + followed[before, 0], 1.0)
        chance[before] = min(max(yes / (yes + no), 1e-6), 1 - 1e-6)
    # P(size) ~ Dirichlet(SIZES + n)
    size = np.array([random.gamma(found, 1.0) + 1e-12 for found in sizes])
    size /= size.sum()
    # q ~ inverse gamma((ν + n) / 2, (ν q_prior + Σ squares) / 2)
    spread = model.spread.copy()
    spread[0] = (QUIET_FRAMES * prior.quiet + squares) / 2 / random.gamma((QUIET_FRAMES + quiet) / 2, 1.0)
    drift = (DRIFT_FRAMES * prior.drift + wander) / 2 / random.gamma((DRIFT_FRAMES + frames - 1) / 2, 1.0)
    return Model(model.decay, model.rise, drift, model.mean, spread, _moves(chance, size), model.start)


@njit(cache=True)
def _judged(y, v, model, kind, prior, random):
    """Metropolis steps of both variances, the decay and the rise, the states integrated out.

    Given the states they would hardly move: small steps look as if their variance were small.
    """
    old = _plausibility(y, v, model, kind, prior)
    for which in range(4):
        spread, drift, decay, rise, step = model.spread.copy(), model.drift, model.decay, model.rise, random.normal()
        # How much the trace tells of decay and rise is not known beforehand: steps of any size.
        fine = 2 * FINEST ** random.random()
        if which == 0:
            spread[0] *= np.exp(STRIDE * step)
        elif which == 1:
            drift *= np.exp(STRIDE * step)
        elif which == 2:
            decay += prior.decay_error * fine * step
        else:
            rise += prior.rise_error * fine * step
        if not (0.05 < decay < 0.995 and 0 <= rise < min(decay, 0.95)):
            continue
        other = Model(decay, rise, drift, model.mean, spread, model.moves, model.start)
        new = _plausibility(y, v, other, kind, prior)
        # Accepted with probability min(1, p(new | y, k) / p(old | y, k))
        if np.log(random.random()) < new - old:
            model, old = other, new
    return model


@njit(cache=True)
def _plausibility(y, v, model, kind, prior):
    """Log posterior density of decay, rise and the logarithms of both variances, given the components.

    y: without the known traces.
    """
    drift, quiet = model.drift, model.spread[0]
    # log q: -ν (log q + q_prior / q) / 2; γ, ρ: -((γ - γ_prior) / σ)² / 2
    found = -QUIET_FRAMES * (np.log(quiet) + prior.quiet / quiet)
    found -= DRIFT_FRAMES * (np.log(drift) + prior.drift / drift)
    found -= ((model.decay - prior.decay) / prior.decay_error) ** 2
    found -= ((model.rise - prior.rise) / prior.rise_error) ** 2
    return found / 2 + likelihood(y, v, model, kind)
