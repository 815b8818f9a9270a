"""A trace that decays, drifts and jumps, under noise of known variance: draws from all that the noise leaves possible.

y[t] = x[t] + b[t] + Σ_j β_j z_j[t] + noise of variance v[t]
x[t] = γ x[t-1] + w[t], w[t] ~ N(m_k, q_k): one small component (quiet) and several of rising size (events)
b[t] = b[t-1] + u[t], u[t] ~ N(0, q_b)
z_j: known traces, of which this one has an unknown share β_j

The component of each frame depends on that of the frame before: an event often goes on. It is drawn with both states
integrated out (Gerlach, Carter & Kohn 2000), and so are the shares; the states by forward filtering and backward
sampling, the parameters from their conditional distributions. Compiled.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from groundtrace.arrays import FloatArray, IntArray

EVENTS = np.array([0.75, 1.5, 3.0, 6.0, 12.0, 24.0])
"""Mean size of an event per component, in standard deviations of the noise; their own deviation is half of that."""
ENTER, STAY = (1.0, 50.0), (2.0, 4.0)
"""Frames with and without an event, after a quiet one and after an event, that the prior of their chances is worth."""
SIZES = 1.0
"""Events of each size that their prior is worth."""
QUIET_FRAMES, DRIFT_FRAMES = 30.0, 12.0
"""Frames that the priors of the variance of quiet steps and of that of the drift are worth."""
HIGH = (0.1, 1e-3)
"""Both to begin with, over the variance of the noise: from there, events are found in fewer sweeps than from below."""
STRIDE = 1.0
"""Standard deviation of the logarithm of a variance's proposal over what it was."""
LEAST = 0.05
"""Variance of the noise of the darkest frame over that of the mean."""
EACH = 2
"""Draws of the states in a sweep: they cost less than components, and vary more between events."""
FIRST = 25.0
"""Variance of the first frame's states over that of the noise."""


class Prior(NamedTuple):
    """What is known of a trace before it is measured."""

    decay: float
    """Per frame ..."""
    decay_error: float
    """... and its standard deviation."""
    quiet: float
    """Variance of w in a quiet frame of a trace without events ..."""
    unseen: float
    """... and what it gains per light that events bring to a frame: the size of those too small to be told apart."""
    drift: float
    """Variance of u."""
    share: FloatArray
    """(n_known,) β ..."""
    share_error: FloatArray
    """... and their standard deviations, above 0."""


class Model(NamedTuple):
    """Parameters."""

    decay: float
    drift: float
    mean: FloatArray
    """(components,) of w; the first one is quiet."""
    spread: FloatArray
    """(components,) variance of w."""
    moves: FloatArray
    """(components, components) chance of a component (column) after another (row)."""
    start: tuple[float, float]
    """Of b: mean and variance."""


class Chain(NamedTuple):
    """What is drawn, and what drawing needs."""

    kind: IntArray
    """(n_frames,) component."""
    state: FloatArray
    """(n_frames, 2) x and b."""
    later2: FloatArray
    """(n_frames, 3) Ω as (xx, xb, bb): the frames from t on say exp(-s'Ωs/2 + ω's) of the state s at t."""
    later1: FloatArray
    """(n_frames, 2) ω."""
    mean: FloatArray
    """(n_frames, 2) of the state, given the frames up to t."""
    covariance: FloatArray
    """(n_frames, 3) as (xx, xb, bb)."""
    gain: FloatArray
    """(n_frames, 2) of the filter: by how much the state follows what was not expected ..."""
    surprise: FloatArray
    """(n_frames, 2) ... and what was not expected, and its variance."""


@njit(cache=True)
def draw_traces(y, v, slope, known, prior, count, burn, random):
    """Draws (count, n_frames) of x + b + Σ β z from their posterior, and the chance (n_frames,) of an event in each.

    y, v: (n_frames,) measured values and variance of their noise where y has its mean. slope: change of the variance
    with the trace, which follows once that is known roughly. known: (n_frames, n_known) z. prior: Prior. burn: sweeps
    that are thrown away first. random: numpy.random.Generator.
    """
    frames, unit, share = len(y), np.median(v), prior.share.copy()
    common = known @ share
    model, chain = _begin(y - common, unit, prior.decay)
    kept, learning = (count + EACH - 1) // EACH, burn // 2 - burn // 4
    draws, (trace, rough, events) = np.zeros((kept, EACH, frames), np.float32), np.zeros((3, frames))
    brought, middle = 0.0, y.mean()
    for sweep in range(burn + kept):
        own = y - common
        model = _variances(own, v, model, chain.kind, prior, random)
        _backward(own, v, model, chain)
        _forward(own, v, model, chain, random)
        share = _shares(known, share, prior, model, chain, random)
        common = known @ share
        for k in range(EACH):
            _sample(model, chain, random)
            trace = chain.state[:, 0] + chain.state[:, 1] + common
            if sweep < burn:
                break
            draws[sweep - burn, k] = trace
        model = _parameters(model, chain, prior, random)
        if burn // 4 <= sweep < burn // 2:
            rough += trace / learning
            brought += _brought(model, chain) / learning
        if sweep == burn // 2 - 1:
            v = np.maximum(v + slope * (rough - middle), LEAST * v)
            prior = _for_activity(prior, brought)
        if sweep >= burn:
            events += chain.kind > 0
    return draws.reshape(-1, frames)[:count], events / kept


@njit(cache=True)
def _brought(model, chain):
    """Mean light that events bring to a frame."""
    kind, x = chain.kind[1:], chain.state[:, 0]
    return (x[1:] - model.decay * x[:-1])[kind > 0].sum() / len(x)


@njit(cache=True)
def _for_activity(prior, brought):
    """The prior of a trace to whose frames events bring so much light."""
    quiet = prior.quiet + prior.unseen * max(brought, 0.0)
    return Prior(prior.decay, prior.decay_error, quiet, prior.unseen, prior.drift, prior.share, prior.share_error)


@njit(cache=True)
def _begin(y, unit, decay):
    """Parameters and states to begin with. unit: variance of the noise."""
    frames, count = len(y), len(EVENTS) + 1
    mean = np.concatenate((np.zeros(1), EVENTS * np.sqrt(unit)))
    spread = np.concatenate((np.array([HIGH[0] * unit]), (EVENTS / 2) ** 2 * unit))
    chance = np.array([ENTER[0] / (ENTER[0] + ENTER[1]), STAY[0] / (STAY[0] + STAY[1])])
    moves = _moves(chance, np.full(count - 1, 1 / (count - 1)))
    return Model(decay, HIGH[1] * unit, mean, spread, moves, (np.median(y), FIRST * unit)), empty_chain(frames)


@njit(cache=True)
def empty_chain(frames):
    """A Chain of so many quiet frames."""
    kind, twos, threes = np.zeros(frames, np.int64), np.zeros((5, frames, 2)), np.zeros((2, frames, 3))
    return Chain(kind, twos[0], threes[0], twos[1], twos[2], threes[1], twos[3], twos[4])


@njit(cache=True)
def _moves(chance, size):
    """Chances of all components after each; chance: of an event after a quiet frame and after an event."""
    count = len(size) + 1
    moves = np.empty((count, count))
    for k in range(count):
        event = chance[min(k, 1)]
        moves[k, 0], moves[k, 1:] = 1 - event, event * size
    return moves


@njit(cache=True)
def _parameters(model, chain, prior, random):
    """A draw of the parameters given components and states."""
    kind, state = chain.kind, chain.state
    frames, count = len(kind), len(model.mean)
    followed, sizes = np.zeros((2, 2)), np.full(count - 1, SIZES)
    quiet, squares, wander = 0, 0.0, 0.0
    top, bottom = prior.decay / prior.decay_error**2, 1 / prior.decay_error**2
    for t in range(1, frames):
        k = kind[t]
        followed[min(kind[t - 1], 1), min(k, 1)] += 1
        if k:
            sizes[k - 1] += 1
        else:
            quiet += 1
            squares += (state[t, 0] - model.decay * state[t - 1, 0]) ** 2
        wander += (state[t, 1] - state[t - 1, 1]) ** 2
        top += state[t - 1, 0] * (state[t, 0] - model.mean[k]) / model.spread[k]
        bottom += state[t - 1, 0] ** 2 / model.spread[k]
    chance = np.empty(2)
    for before, (events, others) in enumerate((ENTER, STAY)):
        yes = random.gamma(events + followed[before, 1], 1.0)
        no = random.gamma(others + followed[before, 0], 1.0)
        chance[before] = min(max(yes / (yes + no), 1e-6), 1 - 1e-6)
    size = np.array([random.gamma(found, 1.0) + 1e-12 for found in sizes])
    size /= size.sum()
    spread = model.spread.copy()
    spread[0] = (QUIET_FRAMES * prior.quiet + squares) / 2 / random.gamma((QUIET_FRAMES + quiet) / 2, 1.0)
    drift = (DRIFT_FRAMES * prior.drift + wander) / 2 / random.gamma((DRIFT_FRAMES + frames - 1) / 2, 1.0)
    decay = min(max(top / bottom + random.normal() / np.sqrt(bottom), 0.05), 0.995)
    return Model(decay, drift, model.mean, spread, _moves(chance, size), model.start)


@njit(cache=True)
def _variances(y, v, model, kind, prior, random):
    """Other variances of quiet steps and of the drift, judged by what was measured, the states integrated out.

    Given the states they would hardly move: small steps look as if their variance were small.
    """
    old = _plausibility(y, v, model, kind, prior)
    for which in range(2):
        spread, drift, factor = model.spread.copy(), model.drift, np.exp(STRIDE * random.normal())
        if which:
            drift *= factor
        else:
            spread[0] *= factor
        other = Model(model.decay, drift, model.mean, spread, model.moves, model.start)
        new = _plausibility(y, v, other, kind, prior)
        if np.log(random.random()) < new - old:
            model, old = other, new
    return model


@njit(cache=True)
def _plausibility(y, v, model, kind, prior):
    """Logarithm of the density of both variances' logarithms, given the components; y: without what is shared."""
    decay, drift, quiet = model.decay, model.drift, model.spread[0]
    found = -QUIET_FRAMES * (np.log(quiet) + prior.quiet / quiet)
    found -= DRIFT_FRAMES * (np.log(drift) + prior.drift / drift)
    x, b = 0.0, model.start[0]
    p00, p01, p11 = model.start[1], 0.0, model.start[1]
    for t in range(len(y)):
        x, p00 = x + model.mean[kind[t]], p00 + model.spread[kind[t]]
        total, rest = p00 + 2 * p01 + p11 + v[t], y[t] - x - b
        found -= np.log(total) + rest * rest / total
        k0, k1 = (p00 + p01) / total, (p01 + p11) / total
        x, b = decay * (x + k0 * rest), b + k1 * rest
        p00, p01, p11 = (
            decay * decay * (p00 - k0 * k0 * total),
            decay * (p01 - k0 * k1 * total),
            p11 - k1 * k1 * total + drift,
        )
    return found / 2


@njit(cache=True)
def _backward(y, v, model, chain):
    """What the frames from each on say of its state, given the components."""
    kind, omega2, omega1 = chain.kind, chain.later2, chain.later1
    decay, mean, spread, drift = model.decay, model.mean, model.spread, model.drift
    a = c = b = f = g = 0.0
    for t in range(len(y) - 1, -1, -1):
        p = 1 / v[t]
        a, c, b, f, g = a + p, c + p, b + p, f + p * y[t], g + p * y[t]
        omega2[t, 0], omega2[t, 1], omega2[t, 2], omega1[t, 0], omega1[t, 1] = a, c, b, f, g
        q, m = spread[kind[t]], mean[kind[t]]
        # M = (I + Ω Q)^-1 with Q = diag(q, drift)
        i00, i01, i10, i11 = 1 + a * q, c * drift, c * q, 1 + b * drift
        det = i00 * i11 - i01 * i10
        m00, m01, m10, m11 = i11 / det, -i01 / det, -i10 / det, i00 / det
        f, g = f - a * m, g - c * m
        f, g = decay * (m00 * f + m01 * g), m10 * f + m11 * g
        a, c, b = decay * decay * (m00 * a + m01 * c), decay * (m00 * c + m01 * b), m10 * c + m11 * b


@njit(cache=True)
def _forward(y, v, model, chain, random):
    """Draws the component of each frame and filters the state."""
    kind, filtered, covariance, gain = chain.kind, chain.mean, chain.covariance, chain.gain
    decay, drift = model.decay, model.drift
    weight = np.zeros(len(model.mean))
    x, b = 0.0, model.start[0]
    p00, p01, p11 = model.start[1], 0.0, model.start[1]
    for t in range(len(y)):
        # All frames from t on say exp(-A w²/2 + B w) of w, with the state before it integrated out.
        a, c, d = chain.later2[t, 0], chain.later2[t, 1], chain.later2[t, 2]
        f, g = chain.later1[t, 0] - a * x - c * b, chain.later1[t, 1] - c * x - d * b
        i00, i01, i10, i11 = 1 + a * p00 + c * p01, a * p01 + c * p11, c * p00 + d * p01, 1 + c * p01 + d * p11
        det = i00 * i11 - i01 * i10
        kind[t] = _component(
            (i11 * a - i01 * c) / det,
            (i11 * f - i01 * g) / det,
            kind[t - 1] if t else -1,
            kind[t + 1] if t + 1 < len(y) else -1,
            model,
            weight,
            random,
        )
        x, p00 = x + model.mean[kind[t]], p00 + model.spread[kind[t]]
        total, rest = p00 + 2 * p01 + p11 + v[t], y[t] - x - b
        k0, k1 = (p00 + p01) / total, (p01 + p11) / total
        x, b = x + k0 * rest, b + k1 * rest
        p00, p01, p11 = p00 - k0 * k0 * total, p01 - k0 * k1 * total, p11 - k1 * k1 * total
        gain[t, 0], gain[t, 1], chain.surprise[t, 0], chain.surprise[t, 1] = k0, k1, rest, total
        filtered[t, 0], filtered[t, 1] = x, b
        covariance[t, 0], covariance[t, 1], covariance[t, 2] = p00, p01, p11
        x, p00, p01, p11 = decay * x, decay * decay * p00, decay * p01, p11 + drift


@njit(cache=True)
def _component(a, b, before, after, model, weight, random):
    """Draws a component between two others (-1: none), where its w has a likelihood of exp(-a w²/2 + b w)."""
    count, highest = len(weight), -np.inf
    for k in range(count):
        m, q = model.mean[k], model.spread[k]
        weight[k] = (b * m + (b * b * q - a * m * m) / 2) / (1 + a * q)
        highest = max(highest, weight[k])
    whole = 0.0
    for k in range(count):
        chance = (model.moves[before, k] if before >= 0 else 1.0) * (model.moves[k, after] if after >= 0 else 1.0)
        weight[k] = chance * np.exp(weight[k] - highest) / np.sqrt(1 + a * model.spread[k])
        whole += weight[k]
    pick, chosen = random.random() * whole, 0
    while chosen < count - 1 and pick > weight[chosen]:
        pick -= weight[chosen]
        chosen += 1
    return chosen


@njit(cache=True)
def _shares(known, share, prior, model, chain, random):
    """Draws the shares given the components, the states integrated out; what was filtered with the old ones follows.

    The filter is linear: passed through it, the known traces become what they add to each surprise.
    """
    frames, count = known.shape
    gain, surprise = chain.gain, chain.surprise
    precision, pull = np.diag(1 / prior.share_error**2), prior.share / prior.share_error**2
    x, b, new = np.zeros(count), np.zeros(count), np.zeros(count)
    for t in range(frames):
        rest = surprise[t, 0]
        for j in range(count):
            new[j] = known[t, j] - x[j] - b[j]
            x[j] = model.decay * (x[j] + gain[t, 0] * new[j])
            b[j] += gain[t, 1] * new[j]
            rest += new[j] * share[j]
        for j in range(count):
            part = new[j] / surprise[t, 1]
            pull[j] += part * rest
            for i in range(j + 1):
                precision[j, i] += part * new[i]
                precision[i, j] = precision[j, i]
    root = np.linalg.cholesky(precision)
    drawn = np.linalg.solve(precision, pull)
    drawn += np.linalg.solve(root.T, np.array([random.normal() for _ in range(count)]))
    less = known @ (share - drawn)
    x0, b0 = 0.0, 0.0
    for t in range(frames):
        added = less[t] - x0 - b0
        x0, b0 = x0 + gain[t, 0] * added, b0 + gain[t, 1] * added
        chain.mean[t, 0] += x0
        chain.mean[t, 1] += b0
        x0 *= model.decay
    return drawn


@njit(cache=True)
def _sample(model, chain, random):
    """Draws the states from the last frame to the first."""
    kind, filtered, covariance, state = chain.kind, chain.mean, chain.covariance, chain.state
    decay, mean, spread, drift = model.decay, model.mean, model.spread, model.drift
    last = len(kind) - 1
    m, c = filtered[last], covariance[last]
    state[last, 0], state[last, 1] = _normal(m[0], m[1], c[0], c[1], c[2], random)
    for t in range(last - 1, -1, -1):
        k = kind[t + 1]
        p00, p01, p11 = covariance[t, 0], covariance[t, 1], covariance[t, 2]
        # Of the next state: A P A' + Q
        n00, n01, n11 = decay * decay * p00 + spread[k], decay * p01, p11 + drift
        det = n00 * n11 - n01 * n01
        # J = P A' (A P A' + Q)^-1
        j00 = (decay * p00 * n11 - p01 * n01) / det
        j01 = (-decay * p00 * n01 + p01 * n00) / det
        j10 = (decay * p01 * n11 - p11 * n01) / det
        j11 = (-decay * p01 * n01 + p11 * n00) / det
        e0 = state[t + 1, 0] - decay * filtered[t, 0] - mean[k]
        e1 = state[t + 1, 1] - filtered[t, 1]
        state[t, 0], state[t, 1] = _normal(
            filtered[t, 0] + j00 * e0 + j01 * e1,
            filtered[t, 1] + j10 * e0 + j11 * e1,
            p00 - j00 * decay * p00 - j01 * p01,
            p01 - j00 * decay * p01 - j01 * p11,
            p11 - j10 * decay * p01 - j11 * p11,
            random,
        )


@njit(cache=True)
def _normal(x, b, c00, c01, c11, random):
    """A draw from a normal distribution of two variables."""
    first = np.sqrt(max(c00, 0.0))
    mixed = c01 / first if first > 0 else 0.0
    z = random.normal()
    return x + first * z, b + mixed * z + np.sqrt(max(c11 - mixed * mixed, 0.0)) * random.normal()
