"""What files hold, as one number: the key of everything that is prepared from them."""

import hashlib
from collections.abc import Mapping
from pathlib import Path


def sha256_of_file(path: Path) -> str:
    """sha256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of_list(digests: Mapping[str, str]) -> str:
    """sha256 over names and contents: of the lines that `sha256sum` prints, sorted by name.

    Args:
      digests: sha256 of each file, by its name.

    Example:
      >>> sha256_of_list({"b": "02", "a": "01"}) == sha256_of_list({"a": "01", "b": "02"})
      True
      >>> sha256_of_list({"a": "01"}) == sha256_of_list({"b": "01"})
      False
    """
    lines = "".join(f"{digests[name]}  {name}\n" for name in sorted(digests))
    return hashlib.sha256(lines.encode()).hexdigest()
