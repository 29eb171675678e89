"""The portfolio's own learners against other implementations of the same methods."""

from __future__ import annotations

from itertools import product

import lightgbm
import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge
from sklearn.naive_bayes import GaussianNB

from streamsel.learning.portfolio.boosted import BoostedTrees, Floats
from streamsel.learning.portfolio.kernel import LEFT_OUT, RIDGES, WIDTHS, KernelMachine, _solved
from streamsel.learning.portfolio.naive_bayes import GaussianNaiveBayes

Integers = np.ndarray[tuple[int, ...], np.dtype[np.int64]]


def three_classes(rows: int, seed: int = 1) -> tuple[Floats, Integers]:
    """Standardised rows of five columns, and class indices that follow from them but for some noise."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, rows)
    matrix = rng.normal(size=(rows, 5)) * (1.0 + 0.5 * labels[:, None])
    matrix[:, 0] += 1.5 * labels
    matrix[:, 1] -= labels == 1
    matrix -= matrix.mean(axis=0)
    return matrix / matrix.std(axis=0), labels


def naive_bayes(matrix: Floats, labels: Integers) -> GaussianNaiveBayes:
    subject = GaussianNaiveBayes(3)
    for row, label in zip(matrix, labels.tolist(), strict=True):
        subject.learn(row, label)
    return subject


class TestNaiveBayes:
    def test_agrees_with_the_batch_method(self) -> None:
        """With plenty of labels, and its hundredth of the overall variance added to each class's."""
        matrix, labels = three_classes(3_000)
        expected = GaussianNB(var_smoothing=0.01).fit(matrix, labels).predict_proba(matrix)
        np.testing.assert_allclose(naive_bayes(matrix, labels).probabilities(matrix), expected, atol=5e-3)

    def test_a_missing_value_says_nothing(self) -> None:
        """As if there were no such column."""
        matrix, labels = three_classes(300)
        gapped = matrix.copy()
        gapped[:, 2] = np.nan
        without = naive_bayes(np.delete(matrix, 2, axis=1), labels)
        expected = without.probabilities(np.delete(matrix, 2, axis=1))
        np.testing.assert_allclose(naive_bayes(matrix, labels).probabilities(gapped), expected, atol=1e-12)

    def test_rows_may_grow(self) -> None:
        """A column that comes later was missing before."""
        matrix, labels = three_classes(300)
        gapped = matrix.copy()
        gapped[:100, 3:] = np.nan
        grown = GaussianNaiveBayes(3)
        for index, label in enumerate(labels.tolist()):
            grown.learn(matrix[index, : 3 if index < 100 else 5], label)
        expected = naive_bayes(gapped, labels).probabilities(matrix)
        np.testing.assert_allclose(grown.probabilities(matrix), expected, atol=1e-12)

    @pytest.mark.parametrize("tiny", [5e-324, 1e-160, 1e-150])
    def test_hardly_any_spread_is_none(self, tiny: float) -> None:
        """Neither division by nothing nor overflow, wherever the asked value lies."""
        subject = naive_bayes(np.array([[0.0], [tiny], [0.0], [tiny]]), np.array([0, 1, 0, 2]))
        found = subject.probabilities(np.array([[0.0], [tiny], [1.0], [1e100], [-1e100]]))
        assert np.isfinite(found).all()


class TestKernelMachine:
    def test_takes_the_width_and_ridge_with_the_least_error_on_rows_left_out(self) -> None:
        """Each left out and predicted by a fit to all the others; the coefficients are kernel ridge's."""
        matrix, labels = three_classes(40, seed=4)
        machine = KernelMachine(matrix, labels, 3)
        points = machine._standardised(matrix)
        targets = np.where(labels[:, None] == np.arange(3), 1.0, -0.5)
        targets -= targets.mean(axis=0)
        distances = ((points[:, None] - points) ** 2).sum(axis=2)
        losses, coefficients = {}, {}
        for width, ridge in product(WIDTHS, RIDGES):
            method = KernelRidge(
                kernel="rbf", gamma=1.0 / (2.0 * np.median(distances) * width**2), alpha=ridge
            )
            left_out = np.empty_like(targets)
            for row in range(len(points)):
                others = np.arange(len(points)) != row
                left_out[row] = method.fit(points[others], targets[others]).predict(points[[row]])[0]
            losses[width, ridge] = ((left_out - targets) ** 2).sum()
            coefficients[width, ridge] = method.fit(points, targets).dual_coef_
        best = min(losses, key=losses.__getitem__)
        assert machine.width == best[0]
        np.testing.assert_allclose(machine._coefficients, coefficients[best], atol=1e-8)
        assert machine._best(targets, WIDTHS, RIDGES).loss == pytest.approx(losses[best], rel=1e-6)

    def test_probabilities_are_a_softmax_of_the_scores(self) -> None:
        """Which are kernels' values times the coefficients."""
        matrix, labels = three_classes(150)
        asked, _ = three_classes(200, seed=2)
        machine = KernelMachine(matrix, labels, 3)
        points, rows = machine._standardised(matrix), machine._standardised(asked)
        distances = ((rows[:, None] - points) ** 2).sum(axis=2)
        scores = np.exp(-machine._decay * distances) @ machine._coefficients + machine._offsets
        odds = np.exp(machine._scale * scores)
        expected = odds / odds.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(machine.probabilities(asked), expected, atol=1e-12)

    def test_rows_left_out_are_the_last_ones(self) -> None:
        """Of more rows than are left out, their part of the inverse's diagonal."""
        points, _ = three_classes(LEFT_OUT + 30)
        kernel = np.exp(-0.2 * ((points[:, None] - points) ** 2).sum(axis=2))
        targets = points[:, :2]
        inverse = np.linalg.inv(kernel + 0.3 * np.eye(len(points)))
        coefficients, variances = _solved(kernel, 0.3, targets)
        np.testing.assert_allclose(coefficients, inverse @ targets, atol=1e-10)
        np.testing.assert_allclose(variances, inverse.diagonal()[-LEFT_OUT:], atol=1e-10)

    def test_a_row_alone_is_that_row_among_others(self) -> None:
        """To the last bit, and up to the order of additions as in a micro-batch."""
        matrix, labels = three_classes(150)
        asked, _ = three_classes(40, seed=2)
        machine = KernelMachine(matrix, labels, 3)
        found = machine.probabilities_each(asked)
        alone = np.vstack([machine.probabilities_each(row[None]) for row in asked])
        np.testing.assert_array_equal(found, alone)
        np.testing.assert_allclose(found, machine.probabilities(asked), atol=1e-10)

    def test_bears_gaps_constants_and_huge_values(self) -> None:
        """What is missing counts as average, so an empty row gets a distribution too."""
        matrix, labels = three_classes(60)
        matrix[::3, 0] = np.nan
        matrix[:, 1] = 7.0
        matrix[5, 2] = 1e100
        matrix[:, 3] = np.nan
        found = KernelMachine(matrix, labels, 3).probabilities(np.vstack((matrix, np.full(5, np.nan))))
        np.testing.assert_allclose(found.sum(axis=1), 1.0)

    def test_rows_all_alike_are_told_apart_by_how_common_a_class_is(self) -> None:
        """There is nothing else to go by."""
        labels = np.array([0] * 30 + [2] * 10)
        found = KernelMachine(np.ones((40, 2)), labels, 3).probabilities(np.ones((1, 2)))[0]
        assert found[0] > found[2] > found[1] == 0.0


class TestRelevance:
    def test_is_that_of_what_decides(self) -> None:
        """One of six columns; no column's is nothing."""
        draws = np.random.default_rng(1)
        matrix = draws.normal(size=(120, 6))
        relevance = BoostedTrees(matrix, (matrix[:, 4] > 0.0).astype(np.int64), 2, seed=1).relevance
        assert relevance.argmax() == 4
        assert relevance.shape == (6,)
        assert (relevance > 0.2).all()
        assert relevance[4] > 4.0 * np.delete(relevance, 4).max()

    def test_makes_a_kernel_machine_heed_it(self) -> None:
        """Among a dozen columns of which two decide, in a way no line can."""
        draws = np.random.default_rng(2)
        matrix = draws.normal(size=(500, 12))
        labels = (matrix[:, 0] * matrix[:, 1] > 0.0).astype(np.int64)
        relevance = np.where(np.arange(12) < 2, 1.0, 0.2)
        right = [
            (
                KernelMachine(matrix[:200], labels[:200], 2, relevance=weights)
                .probabilities(matrix[200:])
                .argmax(axis=1)
                == labels[200:]
            ).mean()
            for weights in (None, relevance)
        ]
        assert right[1] > max(0.85, right[0] + 0.1)


class TestBoostedTrees:
    def test_without_columns_predicts_the_class_shares(self) -> None:
        """Events of which nothing is known have labels all the same."""
        labels = np.array([0, 1, 1, 1] * 10, dtype=np.int64)
        trees = BoostedTrees(np.zeros((40, 0)), labels, 2, seed=1)
        np.testing.assert_allclose(trees.probabilities(np.zeros((3, 0))), [[0.25, 0.75]] * 3, atol=0.01)
        assert trees.relevance.shape == (0,)

    @pytest.mark.parametrize("classes", [2, 3])
    def test_are_lightgbms(self, classes: int) -> None:
        """As its own scikit-learn interface fits them."""
        matrix, labels = three_classes(400)
        labels %= classes
        matrix[::7, 2] = np.nan
        method = lightgbm.LGBMClassifier(
            n_estimators=30,
            learning_rate=0.2,
            num_leaves=15,
            min_child_samples=3,
            random_state=7,
            max_bin=63,
            min_data_in_bin=1,
            feature_pre_filter=False,
            deterministic=True,
            force_row_wise=True,
            n_jobs=1,
            verbosity=-1,
        )
        expected = method.fit(matrix, labels).booster_.predict(matrix)
        found = BoostedTrees(matrix, labels, classes, seed=7).probabilities(matrix)
        np.testing.assert_allclose(found[:, 1] if classes == 2 else found, expected, atol=1e-12)

    def test_a_class_without_a_label_in_the_window_is_impossible(self) -> None:
        """The others share what there is, whatever their indices."""
        matrix, labels = three_classes(100)
        found = BoostedTrees(matrix, np.where(labels == 1, 2, labels), 4, seed=1).probabilities(matrix)
        assert (found[:, [1, 3]] == 0.0).all()
        np.testing.assert_allclose(found.sum(axis=1), 1.0)

    @pytest.mark.parametrize("classes", [12, 30])
    def test_many_classes_take_a_bounded_number_of_trees(self, classes: int) -> None:
        """Fewer rounds of larger steps, which do not diverge."""
        rng = np.random.default_rng(1)
        labels = rng.integers(0, classes, 1_200)
        matrix = 2.0 * rng.normal(size=(classes, 6))[labels] + rng.normal(size=(1_200, 6))
        trees = BoostedTrees(matrix[:1_000], labels[:1_000], classes, seed=1)
        assert trees._trees.num_trees() <= 300
        asked = trees.probabilities(matrix[1_000:])
        assert (asked.argmax(axis=1) == labels[1_000:]).mean() > 0.65
