"""A trace that decays, drifts and jumps, under noise of known variance: draws from all that the noise leaves possible.

y[t] = x[t] + b[t] + noise of variance v[t]
x[t] = γ x[t-1] + w[t], w[t] ~ N(m_k, q_k): one small component (quiet) and several of rising size (events)
b[t] = b[t-1] + u[t], u[t] ~ N(0, q_b)

The component of each frame depends on that of the frame before: an event often goes on. It is drawn with both states
integrated out (Gerlach, Carter & Kohn 2000), the states by forward filtering and backward sampling, the parameters from
their conditional distributions. Compiled.
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
"""Both to begin with, over the variance of the noise: what is quiet is found from above within a few sweeps, and hardly
from below."""
LEAST = 0.05
"""Variance of the noise of the darkest frame over that of the mean."""
FIRST = 25.0
"""Variance of the first frame's states over that of the noise."""


class Prior(NamedTuple):
    """What is known of a trace before it is measured."""

    decay: float
    """Per frame ..."""
    decay_error: float
    """... and its standard deviation."""
    quiet: float
    """Variance of w in a quiet frame."""
    drift: float
    """Variance of u."""


class Model(NamedTuple):
    """Parameters."""

    decay: float
    drift: float
    mean: FloatArray
    """(components,) of w; the first one is quiet."""
    spread: FloatArray
    """(components,) variance of w."""
    moves: FloatArray
    """(components, components) logarithm of the chance of a component (column) after another (row)."""
    start: tuple[float, float]
    """Of b: mean and variance."""


class Chain(NamedTuple):
    """What is drawn, and what drawing needs."""

    kind: IntArray
    """(n_frames,) component."""
    state: FloatArray
    """(n_frames, 2) x and b."""
    later2: FloatArray
    """(n_frames, 3) Ω as (xx, xb, bb): the frames after t say exp(-s'Ωs/2 + ω's) of the state s at t."""
    later1: FloatArray
    """(n_frames, 2) ω."""
    mean: FloatArray
    """(n_frames, 2) of the state, given the frames up to t."""
    covariance: FloatArray
    """(n_frames, 3) as (xx, xb, bb)."""


@njit(cache=True)
def draw_traces(y, v, slope, prior, sweeps, burn, random):
    """Draws (sweeps, n_frames) of x + b from their posterior.

    y, v: (n_frames,) measured values and variance of their noise where y has its mean. slope: change of the variance
    with x + b, which follows once the trace is known roughly. prior: Prior. burn: sweeps that are thrown away first.
    random: numpy.random.Generator.
    """
    frames, unit = len(y), np.median(v)
    model, chain = _begin(y, unit, prior.decay)
    draws, rough, middle = np.zeros((sweeps, frames), np.float32), np.zeros(frames), y.mean()
    for sweep in range(burn + sweeps):
        _backward(y, v, model, chain)
        _forward(y, v, model, chain, random)
        _sample(model, chain, random)
        model = _parameters(model, chain, prior, random)
        if burn // 4 <= sweep < burn // 2:
            rough += chain.state[:, 0] + chain.state[:, 1]
        if sweep == burn // 2 - 1:
            v = np.maximum(v + slope * (rough / (burn // 2 - burn // 4) - middle), LEAST * v)
        if sweep >= burn:
            draws[sweep - burn] = chain.state[:, 0] + chain.state[:, 1]
    return draws


@njit(cache=True)
def _begin(y, unit, decay):
    """Parameters and states to begin with. unit: variance of the noise."""
    frames, count = len(y), len(EVENTS) + 1
    mean = np.concatenate((np.zeros(1), EVENTS * np.sqrt(unit)))
    spread = np.concatenate((np.array([HIGH[0] * unit]), (EVENTS / 2) ** 2 * unit))
    chain = Chain(
        np.zeros(frames, np.int64),
        np.zeros((frames, 2)),
        np.zeros((frames, 3)),
        np.zeros((frames, 2)),
        np.zeros((frames, 2)),
        np.zeros((frames, 3)),
    )
    chance = np.array([ENTER[0] / (ENTER[0] + ENTER[1]), STAY[0] / (STAY[0] + STAY[1])])
    moves = _moves(chance, np.full(count - 1, 1 / (count - 1)))
    return Model(decay, HIGH[1] * unit, mean, spread, moves, (np.median(y), FIRST * unit)), chain


@njit(cache=True)
def _moves(chance, size):
    """Logarithms of the chances of all components after each; chance: of an event after a quiet frame and an event."""
    count = len(size) + 1
    moves = np.empty((count, count))
    for k in range(count):
        event = chance[min(k, 1)]
        moves[k, 0] = np.log(1 - event)
        moves[k, 1:] = np.log(event) + np.log(size)
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
        yes, no = (
            random.gamma(events + followed[before, 1], 1.0),
            random.gamma(others + followed[before, 0], 1.0),
        )
        chance[before] = min(max(yes / (yes + no), 1e-6), 1 - 1e-6)
    size = np.empty(count - 1)
    for k in range(count - 1):
        size[k] = random.gamma(sizes[k], 1.0) + 1e-12
    size /= size.sum()
    spread = model.spread.copy()
    spread[0] = (QUIET_FRAMES * prior.quiet + squares) / 2 / random.gamma((QUIET_FRAMES + quiet) / 2, 1.0)
    drift = (DRIFT_FRAMES * prior.drift + wander) / 2 / random.gamma((DRIFT_FRAMES + frames - 1) / 2, 1.0)
    decay = min(max(top / bottom + random.normal() / np.sqrt(bottom), 0.05), 0.995)
    return Model(decay, drift, model.mean, spread, _moves(chance, size), model.start)


@njit(cache=True)
def _backward(y, v, model, chain):
    """What the frames after each say of its state, given the components."""
    kind, omega2, omega1 = chain.kind, chain.later2, chain.later1
    decay, mean, spread, drift = model.decay, model.mean, model.spread, model.drift
    frames = len(y)
    omega2[frames - 1] = 0.0
    omega1[frames - 1] = 0.0
    for t in range(frames - 2, -1, -1):
        p, k = 1 / v[t + 1], kind[t + 1]
        a, c, b = omega2[t + 1, 0] + p, omega2[t + 1, 1] + p, omega2[t + 1, 2] + p
        f, g = omega1[t + 1, 0] + p * y[t + 1], omega1[t + 1, 1] + p * y[t + 1]
        q = spread[k]
        # M = (I + Ω Q)^-1 with Q = diag(q, drift)
        i00, i01, i10, i11 = 1 + a * q, c * drift, c * q, 1 + b * drift
        det = i00 * i11 - i01 * i10
        m00, m01, m10, m11 = i11 / det, -i01 / det, -i10 / det, i00 / det
        f, g = f - a * mean[k], g - c * mean[k]
        omega2[t, 0] = decay * decay * (m00 * a + m01 * c)
        omega2[t, 1] = decay * (m00 * c + m01 * b)
        omega2[t, 2] = m10 * c + m11 * b
        omega1[t, 0] = decay * (m00 * f + m01 * g)
        omega1[t, 1] = m10 * f + m11 * g


@njit(cache=True)
def _forward(y, v, model, chain, random):
    """Draws the component of each frame and filters the state. In one piece: parts of it as functions cost a fifth."""
    kind, omega2, omega1, filtered, covariance = (
        chain.kind,
        chain.later2,
        chain.later1,
        chain.mean,
        chain.covariance,
    )
    decay, mean, spread, drift, moves = model.decay, model.mean, model.spread, model.drift, model.moves
    count = len(mean)
    level = np.zeros(count)
    means, covariances = np.zeros((count, 2)), np.zeros((count, 3))
    for t in range(len(y)):
        if t == 0:
            x, b, p00, p01, p11 = 0.0, model.start[0], model.start[1], 0.0, model.start[1]
        else:
            x, b = decay * filtered[t - 1, 0], filtered[t - 1, 1]
            p00, p01, p11 = (
                decay * decay * covariance[t - 1, 0],
                decay * covariance[t - 1, 1],
                covariance[t - 1, 2] + drift,
            )
        a, c, d = omega2[t, 0], omega2[t, 1], omega2[t, 2]
        f, g = omega1[t, 0], omega1[t, 1]
        highest = -np.inf
        for k in range(count):
            x0, s00 = x + mean[k], p00 + spread[k]
            total = s00 + 2 * p01 + p11 + v[t]
            rest = y[t] - x0 - b
            k0, k1 = (s00 + p01) / total, (p01 + p11) / total
            mx, mb = x0 + k0 * rest, b + k1 * rest
            c00, c01, c11 = s00 - k0 * k0 * total, p01 - k0 * k1 * total, p11 - k1 * k1 * total
            # I + Σ Ω
            i00, i01, i10, i11 = 1 + c00 * a + c01 * c, c00 * c + c01 * d, c01 * a + c11 * c, 1 + c01 * c + c11 * d
            det = i00 * i11 - i01 * i10
            # (I + ΣΩ)^-1 μ and (I + ΣΩ)^-1 Σω
            u0, u1 = (i11 * mx - i01 * mb) / det, (-i10 * mx + i00 * mb) / det
            r0, r1 = c00 * f + c01 * g, c01 * f + c11 * g
            w0, w1 = (i11 * r0 - i01 * r1) / det, (-i10 * r0 + i00 * r1) / det
            quadratic = mx * (a * u0 + c * u1) + mb * (c * u0 + d * u1)
            linear = f * u0 + g * u1 + 0.5 * (f * w0 + g * w1)
            level[k] = (
                (moves[kind[t - 1], k] if t else 0.0)
                + (moves[k, kind[t + 1]] if t + 1 < len(y) else 0.0)
                - 0.5 * np.log(total)
                - 0.5 * rest * rest / total
                - 0.5 * np.log(det)
                - 0.5 * quadratic
                + linear
            )
            highest = max(highest, level[k])
            means[k, 0], means[k, 1] = mx, mb
            covariances[k, 0], covariances[k, 1], covariances[k, 2] = c00, c01, c11
        weight = 0.0
        for k in range(count):
            level[k] = np.exp(level[k] - highest)
            weight += level[k]
        pick, chosen = random.random() * weight, 0
        while chosen < count - 1 and pick > level[chosen]:
            pick -= level[chosen]
            chosen += 1
        kind[t] = chosen
        filtered[t], covariance[t] = means[chosen], covariances[chosen]


@njit(cache=True)
def _sample(model, chain, random):
    """Draws the states from the last frame to the first."""
    kind, filtered, covariance, state = chain.kind, chain.mean, chain.covariance, chain.state
    decay, mean, spread, drift = model.decay, model.mean, model.spread, model.drift
    last = len(kind) - 1
    state[last, 0], state[last, 1] = _normal(
        filtered[last, 0], filtered[last, 1], covariance[last, 0], covariance[last, 1], covariance[last, 2], random
    )
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
