"""Who is on your photos: what `identify` is made of; `measure_thresholds` takes its networks."""
