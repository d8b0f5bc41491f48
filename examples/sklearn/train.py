"""Trains a random forest on CSV files whose first column is the label, and prints its F1 score."""

import argparse
import os
from pathlib import Path

import joblib
import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import f1_score


def load(channel: str) -> tuple[np.ndarray, np.ndarray]:
    """Read all files of a channel: features and labels."""
    folder = Path(os.environ[f"SM_CHANNEL_{channel.upper()}"])
    rows = np.vstack([np.loadtxt(path, delimiter=",") for path in sorted(folder.glob("*.csv"))])
    return rows[:, 1:], rows[:, 0]


def main() -> None:
    """Train, score, save."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trees", type=int, default=100)
    parser.add_argument("--min-samples-leaf", type=int, default=1)
    parser.add_argument("--max-features", type=float, default=0.5)
    parser.add_argument("--criterion", default="gini")
    args, _ = parser.parse_known_args()
    forest = RandomForestClassifier(
        n_estimators=args.trees,
        min_samples_leaf=args.min_samples_leaf,
        max_features=args.max_features,
        criterion=args.criterion,
        random_state=0,
    )
    forest.fit(*load("train"))
    features, labels = load("validation")
    print(f"val_f1: {f1_score(labels, forest.predict(features)):.6f}")
    joblib.dump(forest, Path(os.environ["SM_MODEL_DIR"]) / "model.joblib")


if __name__ == "__main__":
    main()
