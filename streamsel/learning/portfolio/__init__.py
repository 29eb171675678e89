"""The ``portfolio`` preset: online learners, and batch learners refitted from the label log's last labels."""

from streamsel.learning.portfolio.classifier import PortfolioClassifier
from streamsel.learning.portfolio.portfolio import Portfolio

__all__ = ["Portfolio", "PortfolioClassifier"]
