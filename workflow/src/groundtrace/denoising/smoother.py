"""A trace that decays, drifts and jumps, under noise of known variance: draws from all that the noise leaves possible.

y[t] = x[t] + b[t] + noise of variance v[t]
x[t] = γ x[t-1] + w[t], w[t] ~ N(m_k, q_k): one small component (quiet) and several of rising size (events)
b[t] = b[t-1] + u[t], u[t] ~ N(0, q_b)

The component of each frame is drawn with both states integrated out (Gerlach, Carter & Kohn 2000), the states by
forward filtering and backward sampling, the parameters from their conditional distributions. Compiled.
"""

import numpy as np
from numba import njit

EVENTS = np.array([0.75, 1.5, 3.0, 6.0, 12.0, 24.0])
"""Mean size of an event per component, in standard deviations of the noise; their own deviation is half of that."""
QUIET_SHARE = 0.98
"""Of the frames, before anything was seen."""
CERTAINTY = 20.0
"""Frames that the prior of the shares is worth."""


@njit(cache=True)
def draw_traces(y, v, gamma, gamma_error, sweeps, burn, random):
    """Draws (sweeps, n_frames) of x + b from their posterior.

    y, v: (n_frames,) measured values and variance of their noise. gamma, gamma_error: decay per frame and how well it
    is known. burn: sweeps that are thrown away first. random: numpy.random.Generator.
    """
    frames, unit = len(y), np.median(v)
    count = len(EVENTS) + 1
    mean, spread = np.zeros(count), np.zeros(count)
    mean[1:] = EVENTS * np.sqrt(unit)
    spread[1:] = (mean[1:] / 2) ** 2
    spread[0] = 0.01 * unit
    prior = np.full(count, CERTAINTY * (1 - QUIET_SHARE) / (count - 1))
    prior[0] = CERTAINTY * QUIET_SHARE
    share = prior / prior.sum()
    drift, decay = 1e-4 * unit, gamma
    start = np.median(y)
    kind = np.zeros(frames, np.int64)
    omega2, omega1 = np.zeros((frames, 3)), np.zeros((frames, 2))
    filtered, covariance = np.zeros((frames, 2)), np.zeros((frames, 3))
    state = np.zeros((frames, 2))
    draws = np.zeros((sweeps, frames), np.float32)
    for sweep in range(burn + sweeps):
        _backward(y, v, kind, decay, mean, spread, drift, omega2, omega1)
        _forward(
            y, v, kind, decay, mean, spread, drift, share, start, unit, omega2, omega1, filtered, covariance, random
        )
        _sample(kind, decay, mean, spread, drift, filtered, covariance, state, random)
        # Parameters.
        used = prior.copy()
        quiet, quiet_squares, wander = 0, 0.0, 0.0
        top, bottom = gamma / gamma_error**2, 1 / gamma_error**2
        for t in range(1, frames):
            k = kind[t]
            used[k] += 1
            jump = state[t, 0] - decay * state[t - 1, 0]
            if k == 0:
                quiet += 1
                quiet_squares += jump**2
            wander += (state[t, 1] - state[t - 1, 1]) ** 2
            top += state[t - 1, 0] * (state[t, 0] - mean[k]) / spread[k]
            bottom += state[t - 1, 0] ** 2 / spread[k]
        total = 0.0
        for k in range(count):
            share[k] = random.gamma(used[k], 1.0) + 1e-12
            total += share[k]
        share /= total
        spread[0] = (0.05 * unit + quiet_squares / 2) / random.gamma(5.0 + quiet / 2, 1.0)
        drift = (5e-4 * unit + wander / 2) / random.gamma(5.0 + (frames - 1) / 2, 1.0)
        decay = min(max(top / bottom + random.normal() / np.sqrt(bottom), 0.05), 0.995)
        if sweep >= burn:
            for t in range(frames):
                draws[sweep - burn, t] = state[t, 0] + state[t, 1]
    return draws


@njit(cache=True)
def _backward(y, v, kind, decay, mean, spread, drift, omega2, omega1):
    """What the frames after t say of the state at t: exp(-s'Ωs/2 + ω's); Ω as (xx, xb, bb)."""
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
def _forward(y, v, kind, decay, mean, spread, drift, share, start, unit, omega2, omega1, filtered, covariance, random):
    """Draws the component of each frame and filters the state."""
    count = len(mean)
    level = np.zeros(count)
    means, covariances = np.zeros((count, 2)), np.zeros((count, 3))
    for t in range(len(y)):
        if t == 0:
            x, b, p00, p01, p11 = 0.0, start, 25 * unit, 0.0, 25 * unit
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
                np.log(share[k])
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
def _sample(kind, decay, mean, spread, drift, filtered, covariance, state, random):
    """Draws the states from the last frame to the first."""
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
