"""Where the model is kept beside the label log, so that a start need not begin at the log's."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator

from streamsel.config.addresses import StoreAddress
from streamsel.config.base import Positive, Seconds, Section


class Snapshots(Section):
    """Without url there are none, and every start folds the whole label log."""

    url: Annotated[StoreAddress, Field(min_length=1)] | None = Field(
        None,
        repr=False,
        description="A directory, or an address that fsspec knows: s3://bucket/folder, gs://…, each with its "
        "package (s3fs, gcsfs). For the snapshots of this stream alone; all selectors share it.",
    )
    key: SecretStr | None = Field(
        None,
        min_length=32,
        description="Secret that snapshots are signed with; the same in every selector. What is not signed "
        "with it is not read. Make one with: openssl rand -base64 32",
    )
    every_labels: Positive = Field(10_000, description="A snapshot is taken after so many labels …")
    every_seconds: Seconds = Field(3_600.0, description="… or after so long, if there was any.")
    keep: Positive = Field(3, description="So many are kept.")

    @model_validator(mode="after")
    def _signed(self) -> Self:
        if self.url is not None and self.key is None:
            raise ValueError("snapshots need a key; make one with: openssl rand -base64 32")
        return self
