"""Writes rows in the shape of an export, to try the recipe and to make the tests' small model: no model to serve.

    python synthetic.py OUT.csv --features a,b,c [--borrowers 2000] [--months 24]
"""

import argparse

import numpy as np
import pandas as pd

SEED = 7
MISSING_SHARE = 0.1


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("out", help="Parquet or CSV by its ending")
    parser.add_argument("--features", required=True, help="names, separated by commas; the first five carry the signal")
    parser.add_argument("--borrowers", type=int, default=2000)
    parser.add_argument("--months", type=int, default=24)
    arguments = parser.parse_args()

    generator = np.random.default_rng(SEED)
    names = arguments.features.split(",")
    months = pd.date_range("2022-01-31", periods=arguments.months, freq="ME").strftime("%Y-%m-%d")
    rows = arguments.borrowers * arguments.months
    values = generator.normal(size=(rows, len(names)))
    # A few columns of counts and of amounts, for ties and for values that float32 cannot hold.
    values[:, 1::3] = np.floor(np.abs(values[:, 1::3]) * 3)
    values[:, 2::3] = np.floor(np.exp(values[:, 2::3] * 2 + 12))
    standard = (values - values.mean(axis=0)) / values.std(axis=0)
    strength = np.zeros(len(names))
    strength[:5] = [1.0, 0.8, 0.5, -0.6, 0.4][: len(names[:5])]
    probability = 1 / (1 + np.exp(4 - standard @ strength))
    label = generator.random(rows) < probability
    values[generator.random(values.shape) < MISSING_SHARE] = np.nan
    # The last feature is never missing, so that the model meets a missing value there only in its test vectors.
    values[:, -1] = np.where(np.isnan(values[:, -1]), 0.5, values[:, -1])

    frame = pd.DataFrame(values, columns=names)
    frame.insert(0, "label", label.astype(int))
    frame.insert(0, "month_end", np.tile(months, arguments.borrowers))
    frame.insert(0, "borrower", np.repeat([f"b{i}" for i in range(arguments.borrowers)], arguments.months))
    frame.to_parquet(arguments.out) if arguments.out.endswith(".parquet") else frame.to_csv(arguments.out, index=False)


if __name__ == "__main__":
    main()
