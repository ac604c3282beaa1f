"""Facial landmarks: 68 points of a face, by a small network that was trained here.

`Landmarker.load()` takes pictures and squares to points; `crops` says where to look; MODEL_CARD.md
says what the shipped weights were trained on, errors.json how far they are off.
"""
