"""Where faces come from: LFW on disk or by download, and built-in synthetic faces."""
