"""Trains a model of the label from exported rows and writes its folder.

    python train.py ROWS --out DIRECTORY

ROWS is Parquet or CSV with the columns `borrower`, `month_end` (YYYY-MM-DD), `label` (0 or 1) and then one column per
feature (`name`, or `name_v2` and so on for later versions); an empty value is missing. The folder gets `model.onnx`,
`card.json`, `test_vectors.json` and `model.md`. The same rows give the same files.
"""

import argparse
import hashlib
import json
import re
import sys
from importlib.metadata import version as version_of
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd

from evaluation import bootstrap_metrics, precision_at
from export import export_onnx, leaves, score_onnx, to_exact_float32

PERFORMANCE_DAYS = 90
EMBARGO_DAYS = 90
"""Test months begin at least so many days after the last training month: by then its labels are closed."""

FOLDS = 5
SEED = 20240229
BOOTSTRAP_DRAWS = 500
TEST_VECTOR_ROWS = 64
PARITY_MAX = 1e-6
AUC_SUSPICIOUS = 0.97
"""Real books of consumer loans give 0.7 to 0.9. Nearer to 1 the data says who will default."""

BANDS = [("red", 0.005), ("orange", 0.02), ("yellow", 0.05), ("blue", 0.10)]
"""Severity and the share of training rows that score at or above it."""

LIBRARIES = ["lightgbm", "numpy", "onnx", "onnxmltools", "onnxruntime", "pandas", "scikit-learn", "skl2onnx"]


def main() -> int:
    arguments = parse_arguments()
    rows = read_rows(arguments.rows)
    features = [column for column in rows.columns if column not in ("borrower", "month_end", "label")]
    train, test = split(rows, arguments.test_months, arguments.test_share)
    for name, part in (("training", train), ("test", test)):
        if part["label"].nunique() < 2:
            return fail(f"the {name} rows ({len(part)}) do not have both labels: export a longer or larger history")

    parameters = lightgbm_parameters(arguments, len(train))
    x_train, y_train = matrix(train, features), train["label"].to_numpy()
    x_test, y_test = matrix(test, features), test["label"].to_numpy()
    booster = fit(x_train, y_train, parameters, arguments.trees)
    thresholds = band_thresholds(out_of_fold(x_train, y_train, train["borrower"], parameters, arguments.trees))
    directory = Path(arguments.out)
    directory.mkdir(parents=True, exist_ok=True)
    graph = export_onnx(to_exact_float32(booster), len(features))
    (directory / "model.onnx").write_bytes(graph)

    parity = check_parity(booster, graph, train, test, features)
    if parity["score_difference_max"] > PARITY_MAX:
        return fail(f"ONNX differs from LightGBM by {parity['score_difference_max']:.2e}, more than {PARITY_MAX:.0e}")

    scores = score_onnx(graph, x_test)
    draws = bootstrap_metrics(y_test, scores, test["borrower"].to_numpy(), BOOTSTRAP_DRAWS, SEED)
    card = {
        "name": arguments.name,
        "version": arguments.version,
        "label": arguments.label,
        "inputs": [feature_id(feature) for feature in features],
        "bands": card_bands(thresholds),
        "windows": {"performance_days": PERFORMANCE_DAYS, "embargo_days": EMBARGO_DAYS},
        "training": {**sample(train), "description": arguments.description},
        "test": sample(test),
        "metrics": {
            **draws,
            "precision": [
                {"severity": severity, "threshold": thresholds[severity]}
                | precision_at(y_test, scores, test["borrower"].to_numpy(), thresholds[severity], BOOTSTRAP_DRAWS, SEED)
                for severity, _ in BANDS
            ],
        },
        "parameters": parameters | {"trees": arguments.trees},
        "export": parity,
        "sha256": hashlib.sha256(graph).hexdigest(),
        "libraries": {"python": ".".join(map(str, sys.version_info[:3]))} | {name: version_of(name) for name in LIBRARIES},
    }
    write_json(directory / "card.json", card)
    write_json(directory / "test_vectors.json", vectors(card, graph, test, features))
    (directory / "model.md").write_text(describe(card, booster, features))
    auc = card["metrics"]["auc"]
    print(f"{arguments.name}@{arguments.version}: AUC {auc['value']:.3f} ({auc['low']:.3f} to {auc['high']:.3f}) out of time")
    if auc["value"] > AUC_SUSPICIOUS:
        print("warning: that is suspiciously good. Look for a feature that says the answer.", file=sys.stderr)
    return 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Trains a model from exported rows and writes its folder.")
    parser.add_argument("rows", help="Parquet or CSV: borrower, month_end, label, then the features")
    parser.add_argument("--out", required=True, help="folder of the model, made when absent")
    parser.add_argument("--name", default="dpd30_90_gbm")
    parser.add_argument("--version", type=int, default=1)
    parser.add_argument("--label", default="dpd30_90")
    parser.add_argument("--description", default="simulated portfolio", help="what the rows are, for the card")
    parser.add_argument("--test-months", type=int, default=0, help="last month ends kept for the test (default: a quarter)")
    parser.add_argument("--test-share", type=float, default=0.3, help="share of borrowers kept for the test")
    parser.add_argument("--trees", type=int, default=200)
    parser.add_argument("--depth", type=int, default=6)
    return parser.parse_args()


def fail(message: str) -> int:
    print(f"train.py: {message}", file=sys.stderr)
    return 1


def read_rows(path: str) -> pd.DataFrame:
    """Rows in an order of their own, so that the order of the export does not matter."""
    types = {"borrower": str, "month_end": str}
    rows = pd.read_parquet(path) if path.endswith(".parquet") else pd.read_csv(path, dtype=types)
    rows["borrower"] = [one.decode() if isinstance(one, bytes) else str(one) for one in rows["borrower"]]
    # ClickHouse may write a Date to Parquet as days since 1970-01-01.
    is_number = pd.api.types.is_integer_dtype(rows["month_end"])
    rows["month_end"] = pd.to_datetime(rows["month_end"], unit="D" if is_number else None)
    if not rows["label"].isin([0, 1]).all():
        raise SystemExit("train.py: a label is neither 0 nor 1")
    rows["label"] = rows["label"].astype(np.int8)
    return rows.sort_values(["borrower", "month_end"], kind="stable").reset_index(drop=True)


def hashed_share(borrower: str) -> float:
    """A number in [0, 1) that only depends on the borrower, so that more rows never move anybody across the split."""
    return int.from_bytes(hashlib.sha256(borrower.encode()).digest()[:6], "big") / 2**48


def split(rows: pd.DataFrame, test_months: int, test_share: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Out of time and out of borrowers: the last months of some borrowers against earlier months of all others."""
    months = np.sort(rows["month_end"].unique())
    first_test = months[-(test_months or max(1, len(months) // 4))]
    last_training = first_test - pd.Timedelta(days=EMBARGO_DAYS)
    shares = rows["borrower"].map({one: hashed_share(one) for one in rows["borrower"].unique()})
    is_test_borrower = shares < test_share
    train = rows[~is_test_borrower & (rows["month_end"] <= last_training)]
    test = rows[is_test_borrower & (rows["month_end"] >= first_test)]
    return train.reset_index(drop=True), test.reset_index(drop=True)


def matrix(rows: pd.DataFrame, features: list[str]) -> np.ndarray:
    """Float32 from the start, as it is served: then no threshold lies between a value and its rounding."""
    return rows[features].to_numpy(dtype=np.float64, na_value=np.nan).astype(np.float32)


def lightgbm_parameters(arguments: argparse.Namespace, rows: int) -> dict:
    return {
        "objective": "binary",
        "max_depth": arguments.depth,
        "num_leaves": min(31, 2**arguments.depth - 1),
        "learning_rate": 0.05,
        "min_data_in_leaf": max(5, min(100, rows // 500)),
        "lambda_l2": 5.0,
        "feature_fraction": 0.7,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "seed": SEED,
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }


def fit(x: np.ndarray, y: np.ndarray, parameters: dict, trees: int) -> lgb.Booster:
    return lgb.train(parameters, lgb.Dataset(x, label=y, free_raw_data=False), num_boost_round=trees)


def out_of_fold(x: np.ndarray, y: np.ndarray, borrowers: pd.Series, parameters: dict, trees: int) -> np.ndarray:
    """Scores of the training rows by models that did not see their borrower: in-sample ones would be too extreme."""
    fold = borrowers.map({one: int(hashed_share(f"fold {one}") * FOLDS) for one in borrowers.unique()}).to_numpy()
    scores = np.full(len(y), np.nan)
    for k in range(FOLDS):
        held_out = fold == k
        if held_out.any():
            scores[held_out] = fit(x[~held_out], y[~held_out], parameters, trees).predict(x[held_out])
    return scores


def band_thresholds(scores: np.ndarray) -> dict[str, float]:
    """Score from which each severity begins; kept apart by at least a float32 step, so that no band is empty."""
    thresholds: dict[str, float] = {}
    upper = np.float32(np.inf)
    for severity, share in BANDS:
        edge = min(np.float32(np.quantile(scores, 1 - share)), np.nextafter(upper, np.float32(-np.inf)))
        thresholds[severity] = float(edge)
        upper = edge
    return thresholds


def card_bands(thresholds: dict[str, float]) -> list[dict]:
    edges = [None] + [thresholds[severity] for severity, _ in reversed(BANDS)] + [None]
    names = ["none"] + [severity for severity, _ in reversed(BANDS)]
    return [{"lower": edges[i], "upper": edges[i + 1], "severity": name} for i, name in enumerate(names)]


def check_parity(booster: lgb.Booster, graph: bytes, train: pd.DataFrame, test: pd.DataFrame, features: list[str]) -> dict:
    """Compares LightGBM and ONNX on all rows and on rows with missing values punched into every feature."""
    rows = pd.concat([train, test])[features].to_numpy(dtype=np.float64, na_value=np.nan)
    punched = rows[: min(len(rows), 20_000)].copy()
    punched[np.random.default_rng(SEED).random(punched.shape) < 0.2] = np.nan
    all_rows = np.vstack([rows, punched, np.full((1, len(features)), np.nan)])
    rounded = all_rows.astype(np.float32)
    difference = np.abs(booster.predict(rounded.astype(np.float64)) - score_onnx(graph, rounded))
    flipped = (leaves(booster, all_rows) != leaves(booster, rounded.astype(np.float64))).any(axis=1)
    return {
        "score_difference_max": float(difference.max()),
        "rows_checked": len(all_rows),
        "float32_flips": int(flipped.sum()),
    }


def vectors(card: dict, graph: bytes, test: pd.DataFrame, features: list[str]) -> dict:
    """Known answers: test rows spread over the scores, the last ones with everything or much of it missing."""
    raw = test[features].to_numpy(dtype=np.float64, na_value=np.nan)
    order = np.argsort(score_onnx(graph, raw.astype(np.float32)), kind="stable")
    picked = raw[order[np.unique(np.linspace(0, len(order) - 1, TEST_VECTOR_ROWS - 9).astype(int))]]
    punched = picked[-8:].copy()
    punched[np.random.default_rng(SEED).random(punched.shape) < 0.5] = np.nan
    inputs = np.vstack([picked, punched, np.full((1, len(features)), np.nan)])
    return {
        "model": f"{card['name']}@{card['version']}",
        "inputs": [[None if np.isnan(value) else float(value) for value in row] for row in inputs],
        "scores": [float(score) for score in score_onnx(graph, inputs.astype(np.float32))],
    }


def feature_id(column: str) -> str:
    later = re.fullmatch(r"(.+)_v([2-9]|[1-9]\d+)", column)
    return f"{later[1]}@{later[2]}" if later else f"{column}@1"


def sample(rows: pd.DataFrame) -> dict:
    return {
        "first_month_end": rows["month_end"].min().strftime("%Y-%m-%d"),
        "last_month_end": rows["month_end"].max().strftime("%Y-%m-%d"),
        "rows": len(rows),
        "positives": int(rows["label"].sum()),
        "borrowers": int(rows["borrower"].nunique()),
    }


def describe(card: dict, booster: lgb.Booster, features: list[str]) -> str:
    """A page for people: what it is, how good, and what it looks at."""
    metrics = card["metrics"]

    def interval(one: dict | None, digits: int = 3) -> str:
        return "no rows" if one is None else f"{one['value']:.{digits}f} ({one['low']:.{digits}f} to {one['high']:.{digits}f})"

    gains = pd.Series(booster.feature_importance("gain"), index=features)
    top = (gains / max(gains.sum(), 1e-12)).sort_values(ascending=False, kind="stable").head(15)
    part = lambda one: (  # noqa: E731
        f"{one['first_month_end']} to {one['last_month_end']}: {one['rows']:,} rows, {one['borrowers']:,} borrowers, "
        f"{one['positives']:,} bad ({one['positives'] / one['rows']:.2%})"
    )
    lines = [
        f"# {card['name']}@{card['version']}",
        "",
        f"Probability of `{card['label']}` within {PERFORMANCE_DAYS} days after a month end, from {len(features)} features:",
        f"{card['parameters']['trees']} trees of depth {card['parameters']['max_depth']} at most. Trained on: "
        f"{card['training']['description']}.",
        "",
        f"- training: {part(card['training'])}",
        f"- test: {part(card['test'])}; no borrower in common",
        f"- AUC {interval(metrics['auc'])}, KS {interval(metrics['ks'])}, Brier {interval(metrics['brier'], 4)}"
        " (95 % bootstrap intervals over borrowers)",
        f"- export: scores differ from LightGBM's by at most {card['export']['score_difference_max']:.1e}; "
        f"{card['export']['float32_flips']} of {card['export']['rows_checked']:,} rows reach another leaf through float32",
        "",
        "| band | from score | test rows at or above | share bad |",
        "|---|---|---|---|",
        *[
            f"| {one['severity']} | {one['threshold']:.4f} | {one['rows']:,} | {interval(one['share'])} |"
            for one in reversed(metrics["precision"])
        ],
        "",
        "| feature | share of gain |",
        "|---|---|",
        *[f"| {name} | {share:.1%} |" for name, share in top.items()],
        "",
    ]
    return "\n".join(lines)


def write_json(path: Path, value: dict) -> None:
    path.write_text(json.dumps(value, indent=1 if path.name == "card.json" else None, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    sys.exit(main())
