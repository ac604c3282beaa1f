"""FaceNet: F. Schroff, D. Kalenichenko, J. Philbin, "FaceNet: A Unified Embedding", CVPR 2015.

Not built yet: README.md, "What is missing".
"""
