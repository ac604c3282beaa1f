"""DeepFace: Taigman, Yang, Ranzato, Wolf, "DeepFace: Closing the Gap to Human-Level ...", CVPR 2014.

Not built yet: README.md, "What is missing".
"""
