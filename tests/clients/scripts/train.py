"""The custom algorithm of the guide: a network with the parameters that the guide searches.

It is scikit-learn's, where the guide speaks of PyTorch: torch installs only with its CUDA
packages. What SageMaker sees of a script is the same: arguments, channels, and lines on stdout.
"""

import argparse
import csv
import os
import pathlib

import numpy as np
from sklearn.metrics import accuracy_score, f1_score
from sklearn.neural_network import MLPClassifier


def load(channel: str) -> tuple[np.ndarray, np.ndarray]:
    folder = pathlib.Path(os.environ[f"SM_CHANNEL_{channel.upper()}"])
    rows = [row for path in sorted(folder.glob("*.csv")) for row in csv.reader(path.open())]
    table = np.array(rows, dtype=float)
    return table[:, 1:], table[:, 0]


parser = argparse.ArgumentParser()
parser.add_argument("--learning-rate", type=float)
parser.add_argument("--batch-size", type=int)
parser.add_argument("--hidden-dim", type=int)
parser.add_argument("--dropout", type=float)
parser.add_argument("--num-layers", type=int)
given, _ = parser.parse_known_args()

train_x, train_y = load("train")
test_x, test_y = load("validation")
middle, spread = train_x.mean(axis=0), train_x.std(axis=0) + 1e-9
network = MLPClassifier(
    hidden_layer_sizes=(given.hidden_dim,) * given.num_layers,
    learning_rate_init=given.learning_rate,
    batch_size=given.batch_size,
    alpha=given.dropout,
    max_iter=5,
    random_state=0,
)
network.fit((train_x - middle) / spread, train_y)
found = network.predict((test_x - middle) / spread)
pathlib.Path(os.environ["SM_MODEL_DIR"], "weights.txt").write_text(str(network.coefs_[0].shape))
print(f"val_f1: {f1_score(test_y, found):.4f}")
print(f"val_accuracy: {accuracy_score(test_y, found):.4f}")
