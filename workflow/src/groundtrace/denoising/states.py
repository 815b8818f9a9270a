"""State of a trace that rises, decays and drifts, its events given or drawn: filters in both directions. Compiled.

The state is (x, r, b) of `smoother`; its covariances are kept as (xx, xr, xb, rr, rb, bb).
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from groundtrace.arrays import FloatArray, IntArray


class Model(NamedTuple):
    """Parameters."""

    decay: float
    """γ."""
    rise: float
    """ρ."""
    drift: float
    """Variance of u."""
    mean: FloatArray
    """(components,) of w; the first one is quiet."""
    spread: FloatArray
    """(components,) variance of w."""
    moves: FloatArray
    """(components, components) chance of a component (column) after another (row)."""
    start: tuple[float, float]
    """Mean of b in the first frame; variance of x and b."""


class Chain(NamedTuple):
    """What is drawn, and what drawing needs."""

    kind: IntArray
    """(n_frames,) component."""
    state: FloatArray
    """(n_frames, 3)."""
    later2: FloatArray
    """(n_frames, 6) Ω: the frames from t on say exp(-s'Ωs/2 + ω's) of the state s at t."""
    later1: FloatArray
    """(n_frames, 3) ω."""
    mean: FloatArray
    """(n_frames, 3) of the state, given the frames up to t."""
    covariance: FloatArray
    """(n_frames, 6)."""
    gain: FloatArray
    """(n_frames, 3) of the filter: by how much the state follows what was not expected ..."""
    surprise: FloatArray
    """(n_frames, 2) ... and what was not expected, and its variance."""


@njit(cache=True)
def empty_chain(frames):
    """A Chain of so many quiet frames."""
    kind, threes, sixes = np.zeros(frames, np.int64), np.zeros((4, frames, 3)), np.zeros((2, frames, 6))
    return Chain(kind, threes[0], sixes[0], threes[1], threes[2], sixes[1], threes[3], np.zeros((frames, 2)))


@njit(cache=True)
def _first(model):
    """Mean (x, r, b) and covariance of the state of the first frame, before anything is added or measured."""
    centre, variance = model.start
    return (0.0, 0.0, centre), (variance, 0.0, 0.0, 0.0, 0.0, variance)


@njit(cache=True)
def _add(mean, covariance, model, kind):
    """The state once w of this component is in it."""
    (x, r, b), (xx, xr, xb, rr, rb, bb), some = mean, covariance, 1 - model.rise
    m, q = some * model.mean[kind], some * some * model.spread[kind]
    return (x + m, r + m, b), (xx + q, xr + q, xb, rr + q, rb, bb)


@njit(cache=True)
def _measure(mean, covariance, y, v):
    """The state once y is known, the gains, what was not expected and its variance."""
    (x, r, b), (xx, xr, xb, rr, rb, bb) = mean, covariance
    cx, cr, cb = xx + xb, xr + rb, xb + bb
    rest, total = y - x - b, cx + cb + v
    kx, kr, kb = cx / total, cr / total, cb / total
    seen = (xx - kx * cx, xr - kx * cr, xb - kx * cb, rr - kr * cr, rb - kr * cb, bb - kb * cb)
    return (x + kx * rest, r + kr * rest, b + kb * rest), seen, (kx, kr, kb), rest, total


@njit(cache=True)
def _pass(mean, covariance, model):
    """The state one frame later, before anything is added."""
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
    """Logarithm of the density of what was measured (less a constant), given the components."""
    found, (mean, covariance) = 0.0, _first(model)
    for t in range(len(y)):
        mean, covariance = _add(mean, covariance, model, kind[t])
        mean, covariance, _, rest, total = _measure(mean, covariance, y[t], v[t])
        found -= np.log(total) + rest * rest / total
        mean, covariance = _pass(mean, covariance, model)
    return found / 2


@njit(cache=True)
def backward(y, v, model, chain):
    """What the frames from each on say of its state, given the components."""
    kind, omega2, omega1 = chain.kind, chain.later2, chain.later1
    decay, rise, drift, some = model.decay, model.rise, model.drift, 1 - model.rise
    xx = xr = xb = rr = rb = bb = fx = fr = fb = 0.0
    for t in range(len(y) - 1, -1, -1):
        p = 1 / v[t]
        xx, xb, bb, fx, fb = xx + p, xb + p, bb + p, fx + p * y[t], fb + p * y[t]
        omega2[t, 0], omega2[t, 1], omega2[t, 2], omega2[t, 3], omega2[t, 4], omega2[t, 5] = xx, xr, xb, rr, rb, bb
        omega1[t, 0], omega1[t, 1], omega1[t, 2] = fx, fr, fb
        # Without w, which goes into x and r alike, then without u: Ω - k Ωg (Ωg)'.
        m, q = some * model.mean[kind[t]], some * some * model.spread[kind[t]]
        gx, gr, gb = xx + xr, xr + rr, xb + rb
        k = q / (1 + q * (gx + gr))
        pull = m + k * (fx + fr - (gx + gr) * m)
        fx, fr, fb = fx - gx * pull, fr - gr * pull, fb - gb * pull
        xx, xr, xb = xx - k * gx * gx, xr - k * gx * gr, xb - k * gx * gb
        rr, rb, bb = rr - k * gr * gr, rb - k * gr * gb, bb - k * gb * gb
        k = drift / (1 + drift * bb)
        fx, fr, fb = fx - xb * k * fb, fr - rb * k * fb, fb - bb * k * fb
        xx, xr, rr = xx - k * xb * xb, xr - k * xb * rb, rr - k * rb * rb
        xb, rb, bb = xb - k * xb * bb, rb - k * rb * bb, bb - k * bb * bb
        # Of the frame before.
        fx, fr = decay * fx, rise * (fx + fr)
        rr, rb = rise * rise * (xx + 2 * xr + rr), rise * (xb + rb)
        xx, xr, xb = decay * decay * xx, decay * rise * (xx + xr), decay * xb


@njit(cache=True)
def forward(y, v, model, chain, random):
    """Draws the component of each frame and filters the state."""
    kind, weight = chain.kind, np.zeros(len(model.mean))
    mean, covariance = _first(model)
    for t in range(len(y)):
        a, b = _said(mean, covariance, chain.later2[t], chain.later1[t])
        some, before, after = 1 - model.rise, kind[t - 1] if t else -1, kind[t + 1] if t + 1 < len(y) else -1
        kind[t] = _component(some * some * a, some * b, before, after, model, weight, random)
        mean, covariance = _add(mean, covariance, model, kind[t])
        mean, covariance, gain, rest, total = _measure(mean, covariance, y[t], v[t])
        for i in range(3):
            chain.gain[t, i], chain.mean[t, i] = gain[i], mean[i]
        for i in range(6):
            chain.covariance[t, i] = covariance[i]
        chain.surprise[t, 0], chain.surprise[t, 1] = rest, total
        mean, covariance = _pass(mean, covariance, model)


@njit(cache=True)
def _said(mean, covariance, omega2, omega1):
    """A and B: this frame and all later ones say exp(-A g²/2 + B g) of what is added to x and r, the state before it
    integrated out.

    With g = (1, 1, 0): A = g'(I + ΩP)⁻¹Ωg and B = g'(I + ΩP)⁻¹(ω - Ωs), where g'(I + ΩP)⁻¹ is z' of (I + PΩ) z = g.
    """
    (x, r, b), (pxx, pxr, pxb, prr, prb, pbb) = mean, covariance
    xx, xr, xb, rr, rb, bb = omega2[0], omega2[1], omega2[2], omega2[3], omega2[4], omega2[5]
    m00, m01, m02 = 1 + pxx * xx + pxr * xr + pxb * xb, pxx * xr + pxr * rr + pxb * rb, pxx * xb + pxr * rb + pxb * bb
    m10, m11, m12 = pxr * xx + prr * xr + prb * xb, 1 + pxr * xr + prr * rr + prb * rb, pxr * xb + prr * rb + prb * bb
    m20, m21, m22 = pxb * xx + prb * xr + pbb * xb, pxb * xr + prb * rr + pbb * rb, 1 + pxb * xb + prb * rb + pbb * bb
    c0, c1, c2 = m11 * m22 - m12 * m21, m12 * m20 - m10 * m22, m10 * m21 - m11 * m20
    zx, zr, zb = c0 + m02 * m21 - m01 * m22, c1 + m00 * m22 - m02 * m20, c2 + m01 * m20 - m00 * m21
    a = zx * (xx + xr) + zr * (xr + rr) + zb * (xb + rb)
    said = zx * (omega1[0] - xx * x - xr * r - xb * b)
    said += zr * (omega1[1] - xr * x - rr * r - rb * b)
    said += zb * (omega1[2] - xb * x - rb * r - bb * b)
    det = m00 * c0 + m01 * c1 + m02 * c2
    return a / det, said / det


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
def draw_shares(known, share, usual, error, model, chain, random):
    """Draws the shares given the components, the states integrated out; what was filtered with the old ones follows.

    usual, error: (n_known,) of their prior. The filter is linear: passed through it, the known traces become what they
    add to each surprise.
    """
    frames, count = known.shape
    gain, surprise = chain.gain, chain.surprise
    precision, pull = np.diag(1 / error**2), usual / error**2
    x, r, b, new = np.zeros((4, count))
    for t in range(frames):
        rest = surprise[t, 0]
        for j in range(count):
            new[j] = known[t, j] - x[j] - b[j]
            r[j] = model.rise * (r[j] + gain[t, 1] * new[j])
            x[j] = model.decay * (x[j] + gain[t, 0] * new[j]) + r[j]
            b[j] += gain[t, 2] * new[j]
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
    """Draws the states from the last frame to the first.

    x of a frame follows from the state after it, as γ x[t-1] = x[t] - r[t]; what is left is drawn given that.
    """
    kind, state, rise, some, last = chain.kind, chain.state, model.rise, 1 - model.rise, len(chain.kind) - 1
    for t in range(last, -1, -1):
        x, r, b = chain.mean[t, 0], chain.mean[t, 1], chain.mean[t, 2]
        xx, xr, xb, rr, rb, bb = chain.covariance[t]
        if t == last:
            state[t, 0] = x + np.sqrt(max(xx, 0.0)) * random.normal()
        else:
            state[t, 0] = (state[t + 1, 0] - state[t + 1, 1]) / model.decay
        if xx > 0:
            kr, kb, rest = xr / xx, xb / xx, state[t, 0] - x
            r, b = r + kr * rest, b + kb * rest
            rr, rb, bb = rr - kr * xr, rb - kr * xb, bb - kb * xb
        if t < last:
            m, q = some * model.mean[kind[t + 1]], some * some * model.spread[kind[t + 1]]
            rest, total = state[t + 1, 1] - m - rise * r, rise * rise * rr + q
            kr, kb = rise * rr / total, rise * rb / total
            r, b = r + kr * rest, b + kb * rest
            rr, rb, bb = rr - kr * rise * rr, rb - kr * rise * rb, bb - kb * rise * rb
            rest, total = state[t + 1, 2] - b, bb + model.drift
            kr, kb = rb / total, bb / total
            r, b = r + kr * rest, b + kb * rest
            rr, rb, bb = rr - kr * rb, rb - kr * bb, bb - kb * bb
        first = np.sqrt(max(rr, 0.0))
        mixed, z = rb / first if first > 0 else 0.0, random.normal()
        state[t, 1] = r + first * z
        state[t, 2] = b + mixed * z + np.sqrt(max(bb - mixed * mixed, 0.0)) * random.normal()
