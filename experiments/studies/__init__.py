"""Studies: one thing is varied. The parts of `facenet_studies` and of `deepface_studies`."""
