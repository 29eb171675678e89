"""Active learning on live streams: ask about the few events whose label would teach the model most."""

from importlib.metadata import version

__version__ = version("streamsel")
