"""State-space model of a trace that rises, decays and drifts: filters in both directions, and draws. Compiled.

The state s = (x, r, b) is that of `smoother`; a covariance P is kept as (xx, xr, xb, rr, rb, bb). With component k[t]:

s[t] = A s[t-1] + (1 - ρ) g w[t] + e u[t]    w[t] ~ N(m_k, q_k), u[t] ~ N(0, q_b), g = (1, 1, 0)', e = (0, 0, 1)'
y[t] = h's[t] + noise of variance v[t]       h = (1, 0, 1)'

A = [[γ, ρ, 0], [0, ρ, 0], [0, 0, 1]]
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from groundtrace.arrays import FloatArray, IntArray


class Model(NamedTuple):
    """Parameters θ."""

    decay: float
    """γ."""
    rise: float
    """ρ."""
    drift: float
    """q_b, variance of u."""
    mean: FloatArray
    """m (components,), mean of w; the first one is quiet."""
    spread: FloatArray
    """q (components,), variance of w."""
    moves: FloatArray
    """π (components, components), probability of a component (column) after another (row)."""
    start: tuple[float, float]
    """Mean of b in the first frame; variance of x and b."""


class Chain(NamedTuple):
    """What is drawn, and what drawing needs."""

    kind: IntArray
    """k (n_frames,), component."""
    state: FloatArray
    """s (n_frames, 3)."""
    later2: FloatArray
    """Ω (n_frames, 6): p(y[t], y[t+1], ... | s[t]) ∝ exp(-s'Ωs/2 + ω's)."""
    later1: FloatArray
    """ω (n_frames, 3)."""
    mean: FloatArray
    """(n_frames, 3) mean of s[t] given the frames up to t ..."""
    covariance: FloatArray
    """(n_frames, 6) ... and its covariance P."""
    gain: FloatArray
    """K (n_frames, 3), Kalman gain."""
    innovation: FloatArray
    """(n_frames, 2) innovation and its variance S."""


@njit(cache=True)
def empty_chain(frames):
    """A Chain of so many quiet frames."""
    kind, threes, sixes = np.zeros(frames, np.int64), np.zeros((4, frames, 3)), np.zeros((2, frames, 6))
    return Chain(kind, threes[0], sixes[0], threes[1], threes[2], sixes[1], threes[3], np.zeros((frames, 2)))


@njit(cache=True)
def _first(model):
    """Mean and covariance of s[0] before w[0] and y[0]: (0, 0, centre) and diag(variance, 0, variance)."""
    centre, variance = model.start
    return (0.0, 0.0, centre), (variance, 0.0, 0.0, 0.0, 0.0, variance)


@njit(cache=True)
def _add(mean, covariance, model, kind):
    """Add w of a component to the state: s + (1 - ρ) m g, P + (1 - ρ)² q g g'."""
    (x, r, b), (xx, xr, xb, rr, rb, bb), some = mean, covariance, 1 - model.rise
    m, q = some * model.mean[kind], some * some * model.spread[kind]
    return (x + m, r + m, b), (xx + q, xr + q, xb, rr + q, rb, bb)


@njit(cache=True)
def _measure(mean, covariance, y, v):
    """Update by a measurement y: state, Kalman gain, innovation and its variance."""
    (x, r, b), (xx, xr, xb, rr, rb, bb) = mean, covariance
    # c = P h
    cx, cr, cb = xx + xb, xr + rb, xb + bb
    # innovation y - h's, its variance S = h'P h + v
    rest, total = y - x - b, cx + cb + v
    # K = P h / S
    kx, kr, kb = cx / total, cr / total, cb / total
    # P - K c', s + K (y - h's)
    seen = (xx - kx * cx, xr - kx * cr, xb - kx * cb, rr - kr * cr, rb - kr * cb, bb - kb * cb)
    return (x + kx * rest, r + kr * rest, b + kb * rest), seen, (kx, kr, kb), rest, total


@njit(cache=True)
def _pass(mean, covariance, model):
    """Predict the state of the next frame, before its w: A s, A P A' + q_b e e'."""
    (x, r, b), (xx, xr, xb, rr, rb, bb), decay, rise = mean, covariance, model.decay, model.rise
    mixed, risen = decay * rise * xr, rise * rise * rr
    later = (
        decay * decay * xx + 2 * mixed + risen,
        mixed + risen,
        decay * xb + rise * rb,
        risen,
        rise * rb,
        bb + model.drift,
    )
    return (decay * x + rise * r, rise * r, b), later


@njit(cache=True)
def likelihood(y, v, model, kind):
    """Log likelihood log p(y | k, θ) = -Σ_t (log S[t] + (y[t] - h's[t])² / S[t]) / 2, less a constant."""
    found, (mean, covariance) = 0.0, _first(model)
    for t in range(len(y)):
        mean, covariance = _add(mean, covariance, model, kind[t])
        mean, covariance, _, rest, total = _measure(mean, covariance, y[t], v[t])
        found -= np.log(total) + rest * rest / total
        mean, covariance = _pass(mean, covariance, model)
    return found / 2


@njit(cache=True)
def backward(y, v, model, chain):
    """Information filter: Ω and ω of each frame, given the components of the later ones."""
    kind, omega2, omega1 = chain.kind, chain.later2, chain.later1
    decay, rise, drift, some = model.decay, model.rise, model.drift, 1 - model.rise
    xx = xr = xb = rr = rb = bb = fx = fr = fb = 0.0
    for t in range(len(y) - 1, -1, -1):
        # Measurement: Ω + h h' / v, ω + h y / v
        p = 1 / v[t]
        xx, xb, bb, fx, fb = xx + p, xb + p, bb + p, fx + p * y[t], fb + p * y[t]
        omega2[t, 0], omega2[t, 1], omega2[t, 2], omega2[t, 3], omega2[t, 4], omega2[t, 5] = xx, xr, xb, rr, rb, bb
        omega1[t, 0], omega1[t, 1], omega1[t, 2] = fx, fr, fb
        # w integrated out: Ω - k Ωg (Ωg)', ω - Ωg (m + k g'(ω - Ωg m)) with k = q / (1 + q g'Ωg); here m and q are
        # those of (1 - ρ) w
        m, q = some * model.mean[kind[t]], some * some * model.spread[kind[t]]
        gx, gr, gb = xx + xr, xr + rr, xb + rb
        k = q / (1 + q * (gx + gr))
        pull = m + k * (fx + fr - (gx + gr) * m)
        fx, fr, fb = fx - gx * pull, fr - gr * pull, fb - gb * pull
        xx, xr, xb = xx - k * gx * gx, xr - k * gx * gr, xb - k * gx * gb
        rr, rb, bb = rr - k * gr * gr, rb - k * gr * gb, bb - k * gb * gb
        # u integrated out: Ω - k Ωe (Ωe)', ω - k Ωe e'ω with k = q_b / (1 + q_b e'Ωe)
        k = drift / (1 + drift * bb)
        fx, fr, fb = fx - xb * k * fb, fr - rb * k * fb, fb - bb * k * fb
        xx, xr, rr = xx - k * xb * xb, xr - k * xb * rb, rr - k * rb * rb
        xb, rb, bb = xb - k * xb * bb, rb - k * rb * bb, bb - k * bb * bb
        # State of the frame before: A'Ω A, A'ω
        fx, fr = decay * fx, rise * (fx + fr)
        rr, rb = rise * rise * (xx + 2 * xr + rr), rise * (xb + rb)
        xx, xr, xb = decay * decay * xx, decay * rise * (xx + xr), decay * xb


@njit(cache=True)
def forward(y, v, model, chain, random):
    """Kalman filter that draws the component of each frame as it goes, given all other components."""
    kind, weight = chain.kind, np.zeros(len(model.mean))
    mean, covariance = _first(model)
    for t in range(len(y)):
        # p(y[t], y[t+1], ... | w[t], y[0], ..., y[t-1]) ∝ exp(-(1 - ρ)² A w² / 2 + (1 - ρ) B w)
        a, b = _likelihood_of_event(mean, covariance, chain.later2[t], chain.later1[t])
        some, before, after = 1 - model.rise, kind[t - 1] if t else -1, kind[t + 1] if t + 1 < len(y) else -1
        kind[t] = _component(some * some * a, some * b, before, after, model, weight, random)
        mean, covariance = _add(mean, covariance, model, kind[t])
        mean, covariance, gain, rest, total = _measure(mean, covariance, y[t], v[t])
        for i in range(3):
            chain.gain[t, i], chain.mean[t, i] = gain[i], mean[i]
        for i in range(6):
            chain.covariance[t, i] = covariance[i]
        chain.innovation[t, 0], chain.innovation[t, 1] = rest, total
        mean, covariance = _pass(mean, covariance, model)


@njit(cache=True)
def _likelihood_of_event(mean, covariance, omega2, omega1):
    """A and B of the likelihood exp(-A d²/2 + B d) of d = (1 - ρ) w, which is added to x and r, in this frame and all
    later ones; the state without d, N(s, P), is integrated out.

    A = g'(I + ΩP)⁻¹Ωg and B = g'(I + ΩP)⁻¹(ω - Ωs), where g'(I + ΩP)⁻¹ is z' of (I + PΩ) z = g.
    """
    (x, r, b), (pxx, pxr, pxb, prr, prb, pbb) = mean, covariance
    xx, xr, xb, rr, rb, bb = omega2[0], omega2[1], omega2[2], omega2[3], omega2[4], omega2[5]
    # M = I + PΩ
    m00, m01, m02 = 1 + pxx * xx + pxr * xr + pxb * xb, pxx * xr + pxr * rr + pxb * rb, pxx * xb + pxr * rb + pxb * bb
    m10, m11, m12 = pxr * xx + prr * xr + prb * xb, 1 + pxr * xr + prr * rr + prb * rb, pxr * xb + prr * rb + prb * bb
    m20, m21, m22 = pxb * xx + prb * xr + pbb * xb, pxb * xr + prb * rr + pbb * rb, 1 + pxb * xb + prb * rb + pbb * bb
    # z = M⁻¹ g by cofactors, times det M
    c0, c1, c2 = m11 * m22 - m12 * m21, m12 * m20 - m10 * m22, m10 * m21 - m11 * m20
    zx, zr, zb = c0 + m02 * m21 - m01 * m22, c1 + m00 * m22 - m02 * m20, c2 + m01 * m20 - m00 * m21
    # A = z'Ωg
    a = zx * (xx + xr) + zr * (xr + rr) + zb * (xb + rb)
    # B = z'(ω - Ωs)
    pull = zx * (omega1[0] - xx * x - xr * r - xb * b)
    pull += zr * (omega1[1] - xr * x - rr * r - rb * b)
    pull += zb * (omega1[2] - xb * x - rb * r - bb * b)
    det = m00 * c0 + m01 * c1 + m02 * c2
    return a / det, pull / det


@njit(cache=True)
def _component(a, b, before, after, model, weight, random):
    """Draws a component between two others (-1: none), where its w has the likelihood exp(-a w²/2 + b w).

    p(k) ∝ π[before, k] π[k, after] exp((b m + (b² q - a m²) / 2) / (1 + a q)) / √(1 + a q), w integrated out.
    """
    count, highest = len(weight), -np.inf
    for k in range(count):
        m, q = model.mean[k], model.spread[k]
        weight[k] = (b * m + (b * b * q - a * m * m) / 2) / (1 + a * q)
        highest = max(highest, weight[k])
    whole = 0.0
    for k in range(count):
        # The largest exponent is taken out, so that none overflows.
        chance = (model.moves[before, k] if before >= 0 else 1.0) * (model.moves[k, after] if after >= 0 else 1.0)
        weight[k] = chance * np.exp(weight[k] - highest) / np.sqrt(1 + a * model.spread[k])
        whole += weight[k]
    pick, chosen = random.random() * whole, 0
    while chosen < count - 1 and pick > weight[chosen]:
        pick -= weight[chosen]
        chosen += 1
    return chosen


@njit(cache=True)
def draw_loadings(known, loading, usual, error, model, chain, random):
    """Draws the loadings β given the components, the states integrated out; the filtered states follow the new ones.

    known: (n_frames, n_known) z. loading: the old β. usual, error: (n_known,) mean and standard deviation of the prior.
    The filter is linear: passed through it, each z becomes what it adds to the innovations, z̃. Regression of the
    innovations on z̃ gives the posterior N(Λ⁻¹ l, Λ⁻¹).
    """
    frames, count = known.shape
    gain, innovation = chain.gain, chain.innovation
    # Prior: Λ = diag(1 / σ²), l = β̄ / σ²
    precision, pull = np.diag(1 / error**2), usual / error**2
    x, r, b, new = np.zeros((4, count))
    for t in range(frames):
        # z̃ = z - h's_z; then s_z <- A (s_z + K z̃). rest: innovation without known traces, ε + z̃'β
        rest = innovation[t, 0]
        for j in range(count):
            new[j] = known[t, j] - x[j] - b[j]
            r[j] = model.rise * (r[j] + gain[t, 1] * new[j])
            x[j] = model.decay * (x[j] + gain[t, 0] * new[j]) + r[j]
            b[j] += gain[t, 2] * new[j]
            rest += new[j] * loading[j]
        # Λ + z̃ z̃' / S, l + z̃ (ε + z̃'β) / S
        for j in range(count):
            part = new[j] / innovation[t, 1]
            pull[j] += part * rest
            for i in range(j + 1):
                precision[j, i] += part * new[i]
                precision[i, j] = precision[j, i]
    # β = Λ⁻¹ l + L'⁻¹ n with Λ = L L', n ~ N(0, I)
    root = np.linalg.cholesky(precision)
    drawn = np.linalg.solve(precision, pull)
    drawn += np.linalg.solve(root.T, np.array([random.normal() for _ in range(count)]))
    # y - zβ changed by z (β_old - β_new): the filtered mean changes by that passed through the filter.
    less = known @ (loading - drawn)
    x0 = r0 = b0 = 0.0
    for t in range(frames):
        added = less[t] - x0 - b0
        x0, r0, b0 = x0 + gain[t, 0] * added, r0 + gain[t, 1] * added, b0 + gain[t, 2] * added
        chain.mean[t, 0] += x0
        chain.mean[t, 1] += r0
        chain.mean[t, 2] += b0
        r0 *= model.rise
        x0 = model.decay * x0 + r0
    return drawn


@njit(cache=True)
def draw_states(model, chain, random):
    """Draws the states from the last frame to the first (backward sampling): s[t] ~ p(s[t] | s[t+1], y[0], ..., y[t]).

    Three equations tie s[t] to s[t+1]. The first has no noise: x[t] = (x[t+1] - r[t+1]) / γ. The others are like
    measurements of r and b.
    """
    kind, state, rise, some, last = chain.kind, chain.state, model.rise, 1 - model.rise, len(chain.kind) - 1
    for t in range(last, -1, -1):
        x, r, b = chain.mean[t, 0], chain.mean[t, 1], chain.mean[t, 2]
        xx, xr, xb, rr, rb, bb = chain.covariance[t]
        # x[T] ~ N(x, xx), or x[t] = (x[t+1] - r[t+1]) / γ
        if t == last:
            state[t, 0] = x + np.sqrt(max(xx, 0.0)) * random.normal()
        else:
            state[t, 0] = (state[t + 1, 0] - state[t + 1, 1]) / model.decay
        # Condition r and b on x: K = (xr, xb) / xx, P - K (xr, xb)'
        if xx > 0:
            kr, kb, rest = xr / xx, xb / xx, state[t, 0] - x
            r, b = r + kr * rest, b + kb * rest
            rr, rb, bb = rr - kr * xr, rb - kr * xb, bb - kb * xb
        if t < last:
            # Condition on r[t+1] = ρ r[t] + (1 - ρ) w: S = ρ² rr + (1 - ρ)² q, K = ρ (rr, rb) / S
            m, q = some * model.mean[kind[t + 1]], some * some * model.spread[kind[t + 1]]
            rest, total = state[t + 1, 1] - m - rise * r, rise * rise * rr + q
            kr, kb = rise * rr / total, rise * rb / total
            r, b = r + kr * rest, b + kb * rest
            rr, rb, bb = rr - kr * rise * rr, rb - kr * rise * rb, bb - kb * rise * rb
            # Condition on b[t+1] = b[t] + u: S = bb + q_b, K = (rb, bb) / S
            rest, total = state[t + 1, 2] - b, bb + model.drift
            kr, kb = rb / total, bb / total
            r, b = r + kr * rest, b + kb * rest
            rr, rb, bb = rr - kr * rb, rb - kr * bb, bb - kb * bb
        # (r, b) ~ N by the Cholesky factor [[√rr, 0], [rb / √rr, √(bb - rb² / rr)]]
        first = np.sqrt(max(rr, 0.0))
        mixed, z = rb / first if first > 0 else 0.0, random.normal()
        state[t, 1] = r + first * z
        state[t, 2] = b + mixed * z + np.sqrt(max(bb - mixed * mixed, 0.0)) * random.normal()
