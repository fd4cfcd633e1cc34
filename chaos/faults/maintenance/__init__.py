"""Faults of the jobs that keep the site well."""
