"""Who is on your photos: what `experiments.identify` is made of."""
