"""Live configuration: what the parts of a running site go by, changed without a restart of any."""
