"""Metrics out of time, with bootstrap intervals over borrowers: rows of one borrower are not independent."""

from collections.abc import Callable

import numpy as np

LOW, HIGH = 2.5, 97.5


class Ranking:
    """Rows sorted by score once, so that each draw of the bootstrap is a few cumulative sums of its weights."""

    def __init__(self, labels: np.ndarray, scores: np.ndarray) -> None:
        self.order = np.argsort(scores, kind="stable")
        self.scores = scores[self.order].astype(np.float64)
        self.labels = labels[self.order].astype(np.float64)
        self.group_starts = np.flatnonzero(np.r_[True, np.diff(self.scores) > 0])

    def metrics(self, weights: np.ndarray) -> tuple[float, float, float]:
        """AUC (ties count half), KS and Brier score of weighted rows."""
        w = weights[self.order]
        bad = np.add.reduceat(w * self.labels, self.group_starts)
        good = np.add.reduceat(w * (1 - self.labels), self.group_starts)
        bad_total, good_total = bad.sum(), good.sum()
        if bad_total == 0 or good_total == 0:
            return np.nan, np.nan, np.nan
        good_below = np.cumsum(good) - good
        auc = float((bad * (good_below + good / 2)).sum() / (bad_total * good_total))
        ks = float(np.abs(np.cumsum(good) / good_total - np.cumsum(bad) / bad_total).max())
        brier = float((w * (self.scores - self.labels) ** 2).sum() / w.sum())
        return auc, ks, brier


def borrower_draws(borrowers: np.ndarray, draws: int, seed: int, use: Callable[[np.ndarray], None]) -> None:
    """Calls `use` with the weight of each row in each resample of borrowers with replacement."""
    names, codes = np.unique(borrowers, return_inverse=True)
    generator = np.random.default_rng(seed)
    for _ in range(draws):
        counts = np.bincount(generator.integers(0, len(names), len(names)), minlength=len(names))
        use(counts[codes].astype(np.float64))


def interval(value: float, sampled: list[float]) -> dict:
    low, high = np.nanpercentile(sampled, [LOW, HIGH])
    return {"value": float(value), "low": float(low), "high": float(high)}


def bootstrap_metrics(labels: np.ndarray, scores: np.ndarray, borrowers: np.ndarray, draws: int, seed: int) -> dict:
    ranking = Ranking(labels, scores)
    values = ranking.metrics(np.ones(len(labels)))
    sampled: list[tuple[float, float, float]] = []
    borrower_draws(borrowers, draws, seed, lambda weights: sampled.append(ranking.metrics(weights)))
    return {
        name: interval(values[i], [one[i] for one in sampled]) for i, name in enumerate(("auc", "ks", "brier"))
    }


def precision_at(
    labels: np.ndarray, scores: np.ndarray, borrowers: np.ndarray, threshold: float, draws: int, seed: int
) -> dict:
    """Rows at or above the threshold and the share of them that is bad; no share where there is no such row."""
    hit = scores >= np.float32(threshold)
    if not hit.any():
        return {"rows": 0, "share": None}
    sampled: list[float] = []

    def one(weights: np.ndarray) -> None:
        total = weights[hit].sum()
        sampled.append(float((weights[hit] * labels[hit]).sum() / total) if total > 0 else np.nan)

    borrower_draws(borrowers, draws, seed, one)
    return {"rows": int(hit.sum()), "share": interval(labels[hit].mean(), sampled)}
