"""Tracks of all sessions at once: groups of ROIs with at most one of each session.

Groups are joined in the order of the mean evidence between their members, as long as it is for one cell. Then each
session in turn is taken out and its ROIs are assigned anew, all of them together, to the tracks of the others, to new
tracks, or, where a track has no ROI of it, to nothing; until nothing changes.
"""

import heapq
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import linear_sum_assignment

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.tracking.pairs import SURE

SWEEPS = 4
"""Most often that every session is assigned anew."""
SHARED = 0.5
"""Evidence of m members counts as m to the power 1 - SHARED: they share what is odd about a ROI."""


@dataclass(frozen=True)
class Evidence:
    """Logarithm of the odds of pairs; pairs that are none are surely different."""

    odds: sparse.csr_array
    """(n_rois, n_rois), symmetric, + SURE, so that what is not stored is surely different."""
    session: IntArray
    """(n_rois,)"""

    @classmethod
    def of(cls, first: IntArray, second: IntArray, log_odds: FloatArray, session: IntArray) -> "Evidence":
        count = len(session)
        value = np.clip(log_odds, -SURE, SURE) + SURE
        entries = (np.tile(value, 2), (np.concatenate([first, second]), np.concatenate([second, first])))
        return cls(sparse.csr_array(entries, shape=(count, count)), session)

    def with_tracks(self, rois: IntArray, track: IntArray) -> sparse.csr_array:
        """(n, n_tracks) evidence of ROIs for each track by its other members; nothing stored is none to speak of."""
        member = _members(track)
        size = np.asarray(member.sum(axis=0)).ravel()
        total = sparse.coo_array(self.odds[rois] @ member)
        others = size[total.col] - (track[rois][total.row] == total.col)
        value = np.where(others > 0, (total.data - SURE * others) / np.maximum(others, 1) ** SHARED, -np.inf)
        kept = value > -SURE
        return sparse.csr_array((value[kept], (total.row[kept], total.col[kept])), shape=total.shape)


def _members(track: IntArray) -> sparse.csr_array:
    """(n_rois, n_tracks) 1 where a ROI is of a track."""
    inside = np.flatnonzero(track >= 0)
    ones = np.ones(len(inside))
    return sparse.csr_array((ones, (inside, track[inside])), shape=(len(track), int(track.max(initial=-1)) + 1))


def assign(evidence: Evidence) -> IntArray:
    """(n_rois,) track of each ROI, numbered in the order of their first ROIs."""
    track = _numbered(_joined(evidence))
    for _ in range(SWEEPS):
        before = track
        for session in np.unique(evidence.session):
            track = _again(evidence, track, session)
        if np.array_equal(before, track):
            break
    return track


def _joined(evidence: Evidence) -> IntArray:
    """Agglomeration by mean evidence."""
    count = len(evidence.session)
    sums: list[dict[int, float]] = [{} for _ in range(count)]
    upper = sparse.coo_array(sparse.triu(evidence.odds, 1))
    for i, k, value in zip(upper.row.tolist(), upper.col.tolist(), upper.data.tolist(), strict=True):
        sums[i][k] = sums[k][i] = value
    members = [[i] for i in range(count)]
    sessions = [{int(session)} for session in evidence.session]
    heap = [(SURE - value, i, k, 1, 1) for i in range(count) for k, value in sums[i].items() if i < k and value > SURE]
    heapq.heapify(heap)
    while heap:
        _, i, k, size, other = heapq.heappop(heap)
        if (len(members[i]), len(members[k])) != (size, other) or sessions[i] & sessions[k]:
            continue
        members[i] += members[k]
        sessions[i] |= sessions[k]
        members[k] = []
        for near, value in sums[k].items():
            if near != i:
                sums[near].pop(k)
                sums[i][near] = sums[near][i] = sums[i].get(near, 0.0) + value
        sums[i].pop(k)
        sums[k] = {}
        for near, value in sums[i].items():
            mean = value / (len(members[i]) * len(members[near]))
            if mean > SURE and not sessions[i] & sessions[near]:
                low, high = min(i, near), max(i, near)
                heapq.heappush(heap, (SURE - mean, low, high, len(members[low]), len(members[high])))
    track = np.zeros(count, np.int64)
    for number, group in enumerate(group for group in members if group):
        track[group] = number
    return track


def _again(evidence: Evidence, track: IntArray, session: int) -> IntArray:
    """Tracks with the ROIs of one session assigned anew."""
    rois = np.flatnonzero(evidence.session == session)
    rest = track.copy()
    rest[rois] = -1
    score = sparse.coo_array(evidence.with_tracks(rois, rest))
    good = score.data > 0
    tracks, column = np.unique(score.col[good], return_inverse=True)
    gain = np.zeros((len(rois), len(tracks)))
    gain[score.row[good], column] = score.data[good]
    row, chosen = linear_sum_assignment(gain, maximize=True)
    taken = gain[row, chosen] > 0
    rest[rois[row[taken]]] = tracks[chosen[taken]]
    new = np.flatnonzero(rest < 0)
    new = new[evidence.session[new] == session]
    rest[new] = track.max() + 1 + np.arange(len(new))
    return _numbered(rest)


def _numbered(track: IntArray) -> IntArray:
    """The same tracks, numbered in the order of their first ROIs; -1 stays."""
    inside = np.flatnonzero(track >= 0)
    _, first, inverse = np.unique(track[inside], return_index=True, return_inverse=True)
    found = np.full(len(track), -1)
    found[inside] = np.argsort(np.argsort(first))[inverse]
    return found


def probabilities(evidence: Evidence, track: IntArray) -> tuple[FloatArray, IntArray, FloatArray]:
    """Of each ROI: the probability of its track, the next likely track (-1 for none) and its probability.

    A track holds at most one ROI of a session: where another one of the session has it, it is the runner-up that a
    person would look at.
    """
    count = len(track)
    everyone = np.arange(count)
    score = sparse.coo_array(evidence.with_tracks(everyone, track))
    weight = np.exp(score.data)
    total = 1 + np.bincount(score.row, weight, minlength=count)
    chance = weight / total[score.row]
    own = score.col == track[score.row]
    alone = np.bincount(track[track >= 0])[track] == 1
    probability = np.where(alone, 1 / total, 0.0)
    probability[score.row[own]] = np.where(alone[score.row[own]], probability[score.row[own]], chance[own])
    runner, runner_probability = np.full(count, -1), np.zeros(count)
    other = np.flatnonzero(~own)
    order = other[np.lexsort((score.col[other], chance[other]))]
    runner[score.row[order]], runner_probability[score.row[order]] = score.col[order], chance[order]
    return probability, runner, runner_probability
