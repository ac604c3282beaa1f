"""What every row shares: faces, data, the LFW protocol, metrics and records; no paper in it."""
