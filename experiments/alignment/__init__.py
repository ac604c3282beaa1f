"""Alignment of many faces: what `experiments.align` and `experiments.figure1` are made of."""
