"""A CA and what it signed, as files in the form that servers and clients read."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import trustme
from cryptography.hazmat.primitives import serialization


class Issued(NamedTuple):
    """A certificate with its chain, its key, and both in one file as Kafka wants them."""

    certificate: Path
    key: Path
    both: Path


class Certificates:
    """Of one CA."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._ca = trustme.CA()
        self.ca = directory / "ca.pem"
        self._ca.cert_pem.write_to_path(self.ca)
        self.other_ca = directory / "other-ca.pem"
        trustme.CA().cert_pem.write_to_path(self.other_ca)
        self.server = self._issued("server", self._ca.issue_cert("127.0.0.1"))

    def client(self, name: str) -> Issued:
        """Of a client known by this common name."""
        return self._issued(name, self._ca.issue_cert(f"{name}.test", common_name=name))

    def _issued(self, name: str, leaf: trustme.LeafCert) -> Issued:
        paths = Issued(*(self._directory / f"{name}{ending}.pem" for ending in ("", "-key", "-both")))
        chain = b"".join(blob.bytes() for blob in leaf.cert_chain_pems)
        # Kafka reads keys in PKCS #8 alone.
        key = serialization.load_pem_private_key(leaf.private_key_pem.bytes(), None).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        for path, content in zip(paths, (chain, key, key + chain), strict=True):
            path.write_bytes(content)
        return paths
