"""Unpickling that can make nothing but the models of one preset.

A pickle is a program. Whoever writes it may call any function its reader can import, so a reader of files
that were elsewhere lets it name only what is on a list (Python library reference, "Restricting Globals").
"""

from __future__ import annotations

import pickle
from typing import Any, BinaryIO

from streamsel.learning.spec import ModelSpec

_FOLD = {
    "streamsel.experience:FadedMean",
    "streamsel.experience:Tally",
    "streamsel.learning.calibration:Calibration",
    "streamsel.learning.checkpoints:Learned",
}
_ARRAYS = {"numpy._core.numeric:_frombuffer", "numpy:dtype"}
_SCALER = {
    "builtins:float",
    "collections:Counter",
    "collections:defaultdict",
    "river.preprocessing.scale:StandardScaler",
}
_LOGISTIC = {
    "builtins:float",
    "collections:defaultdict",
    "river._river_rust.vectordict:VectorDict",
    "river.linear_model.log_reg:LogisticRegression",
    "river.multiclass.ovr:OneVsRestClassifier",
    "river.optim.ada_grad:AdaGrad",
    "river.optim.initializers:Zeros",
    "river.optim.losses:Log",
    "river.optim.schedulers:Constant",
    "streamsel.learning.logistic:ScaledLogistic",
    "streamsel.learning.moments:Moments",
}
_EVIDENCE = {"collections:OrderedDict", "streamsel.learning.evidence:Evidence"}
_TREE = _EVIDENCE | {
    "random:Random",
    "river._river_rust.drift:AdaptiveWindowing",
    "river.drift.adwin:ADWIN",
    "river.proba.gaussian:Gaussian",
    "river.stats.mean:Mean",
    "river.stats.var:Var",
    "river.tree.hoeffding_adaptive_tree_classifier:HoeffdingAdaptiveTreeClassifier",
    "river.tree.nodes.hatc_nodes:AdaLeafClassifier",
    "river.tree.nodes.hatc_nodes:AdaNumBinaryBranchClass",
    "river.tree.splitter.gaussian_splitter:GaussianSplitter",
    "streamsel.learning.trees:EncodedTrees",
    "streamsel.learning.trees:SignedLogarithm",
}
_FOREST = (_EVIDENCE | _SCALER) | {
    "random:Random",
    "river.forest.aggregated_mondrian_forest:AMFClassifier",
    "river.tree.mondrian.mondrian_tree_classifier:MondrianTreeClassifier",
    "river.tree.mondrian.mondrian_tree_nodes:MondrianBranchClassifier",
    "river.tree.mondrian.mondrian_tree_nodes:MondrianLeafClassifier",
    "streamsel.learning.trees:CutOffScore",
    "streamsel.learning.trees:EncodedForest",
}
_TEXT = (_SCALER | _ARRAYS) | {
    "streamsel.learning.hedge:Hedge",
    "streamsel.learning.text:ComplementBayes",
    "streamsel.learning.text:SparseLogistic",
    "streamsel.learning.text:TextMixture",
}
_PORTFOLIO = (_LOGISTIC | _EVIDENCE | _TEXT) | {
    "collections:deque",
    "lightgbm.basic:Booster",
    "numpy._core.multiarray:scalar",
    "streamsel.learning.linear:LinearScorer",
    "streamsel.learning.portfolio.boosted:BoostedTrees",
    "streamsel.learning.portfolio.kernel:KernelMachine",
    "streamsel.learning.portfolio.naive_bayes:GaussianNaiveBayes",
    "streamsel.learning.portfolio.portfolio:Portfolio",
    "streamsel.learning.portfolio.refits:Labelled",
    "streamsel.learning.portfolio.rows:RowEncoder",
}
_COPIES = {"streamsel.learning.copies:BaggedCopies"}

_BY_PRESET = {
    "logistic": _LOGISTIC,
    "tree": _TREE,
    "forest": _FOREST,
    "portfolio": _PORTFOLIO,
    "text": _TEXT,
}


def globals_of(spec: ModelSpec) -> frozenset[str]:
    """What a fold of this spec is made of, as ``module:name``; of a factory's model, nothing is known."""
    if spec.factory is not None or spec.preset is None:
        return frozenset()
    return frozenset(_FOLD | _BY_PRESET[spec.preset] | (_COPIES if spec.copies else set()))


class RestrictedUnpickler(pickle.Unpickler):
    """Raises ``UnpicklingError`` for a global that is not among those allowed, before it is imported."""

    def __init__(self, content: BinaryIO, allowed: frozenset[str]) -> None:
        super().__init__(content)
        self._allowed = allowed

    def find_class(self, module: str, name: str) -> Any:
        if f"{module}:{name}" not in self._allowed:
            raise pickle.UnpicklingError(f"{module}.{name} is no part of this model")
        return super().find_class(module, name)
