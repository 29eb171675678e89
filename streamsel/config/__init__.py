"""``streamsel.toml``, overridden by environment variables, checked as a whole before anything runs."""

from streamsel.config.auth import ApiKey
from streamsel.config.load import ConfigurationError, load, schema
from streamsel.config.sections import Config

__all__ = ["ApiKey", "Config", "ConfigurationError", "load", "schema"]
