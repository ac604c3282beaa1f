"""Aligned faces: what `experiments.align`, `figure1` and `train_landmarks` share with the rows."""
