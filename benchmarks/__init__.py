"""Ratios against peers: the same work, the same machine, interleaved in one run."""
