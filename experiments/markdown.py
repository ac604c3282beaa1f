"""A table in Markdown."""

from collections.abc import Sequence


def markdown(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Header, rule, and a line a row; each as long as the header.

    Example:
      >>> print(markdown(("a", "b"), [("1", "2")]))
      | a | b |
      | --- | --- |
      | 1 | 2 |
    """
    rows = [header, ["---"] * len(header), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
