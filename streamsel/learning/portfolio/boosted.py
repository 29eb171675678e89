"""Gradient-boosted trees fitted to a window of labels."""

from __future__ import annotations

from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ROUNDS = 30
TREES = 120
"""With many classes every round is as many trees; there are fewer rounds then, of larger steps."""
LEAST_ROUNDS = 10
STEPS = 6.0
"""The learning rate times the rounds: half as many rounds of twice the size predict as well."""
FEW_CLASSES = 10
LEAST_RELEVANCE = 0.05
"""Of a column that no tree splits, next to 1 of the most useful one; before the root is taken."""
LARGEST_STEP = 3.0
"""Of a leaf, where there are more classes: steps of any size diverge from twelve or so on."""

# Few rows, so small leaves and every distinct value a split. One thread and a fixed order of additions: every
# replica gets the same trees.
_PARAMETERS = {
    "num_leaves": 15,
    "min_data_in_leaf": 3,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}
_BINNING = {
    "max_bin": 63,
    "min_data_in_bin": 1,
    "feature_pre_filter": False,
    "verbosity": -1,
    "num_threads": 1,
}


class BoostedTrees:
    """LightGBM. (G. Ke et al., LightGBM: A Highly Efficient Gradient Boosting Decision Tree, NIPS 2017.)"""

    def __init__(self, matrix: Floats, labels: NDArray[np.int64], classes: int, seed: int) -> None:
        """Fits (rows, columns) to class indices, of which two or more must occur."""
        present, targets = np.unique(labels, return_inverse=True)
        count = len(present)
        rounds = min(max(TREES // count, LEAST_ROUNDS), ROUNDS)
        task = {"objective": "binary"} if count == 2 else {"objective": "multiclass", "num_class": count}
        bound = {"max_delta_step": LARGEST_STEP} if count > FEW_CLASSES else {}
        data = lightgbm.Dataset(_some_column(matrix), targets.astype(np.float64), params=_BINNING)
        self._trees: Any = lightgbm.train(
            {**_PARAMETERS, **task, **bound, "learning_rate": STEPS / rounds, "seed": seed},
            data,
            rounds,
            keep_training_booster=True,  # Otherwise it is written to text and read again.
        ).free_dataset()
        self._present = present
        self._classes = classes
        self._width = matrix.shape[1]

    @property
    def relevance(self) -> Floats:
        """(columns,) in (0, 1]: the root of how much the splits by a column reduced the loss, of the most."""
        gains: Floats = self._trees.feature_importance("gain")
        gains = gains[: self._width]
        return np.sqrt(gains / max(float(gains.max(initial=0.0)), 1e-12) + LEAST_RELEVANCE)

    def probabilities(self, matrix: Floats) -> Floats:
        """(rows, columns), at least as wide as what was fitted, to (rows, classes)."""
        known = np.ascontiguousarray(_some_column(matrix[:, : self._width]))
        predicted: Floats = self._trees.predict(known, num_threads=1)
        probabilities = np.zeros((len(matrix), self._classes))
        if predicted.ndim == 1:
            predicted = np.column_stack((1.0 - predicted, predicted))
        probabilities[:, self._present] = predicted
        return probabilities

    def probabilities_each(self, matrix: Floats) -> Floats:
        """The same: trees take every row for itself."""
        return self.probabilities(matrix)


def _some_column(matrix: Floats) -> Floats:
    """LightGBM fits no table without columns; one that tells nothing changes nothing."""
    return matrix if matrix.shape[1] else np.zeros((len(matrix), 1))
