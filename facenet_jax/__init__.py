"""FaceNet: F. Schroff, D. Kalenichenko, J. Philbin, "FaceNet: A Unified Embedding", CVPR 2015.

Networks, triplets and batches; not trained yet: README.md, "What is missing".
"""
