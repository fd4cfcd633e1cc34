"""Faults of what measures the site, watches it and says that it is well."""
