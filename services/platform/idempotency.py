"""How the front end tells a service how long to keep an idempotency key."""

KEY_SECONDS_HEADER = "failwhale-key-seconds"
"""Beside an Idempotency-Key that the front end made up itself. The same header from outside is dropped."""
