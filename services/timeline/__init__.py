"""Timelines: the follow graph, fan-out on write, home and user timelines."""
