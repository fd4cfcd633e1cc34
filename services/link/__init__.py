"""The link to the other data centre: what a service here asks the store there goes through it."""
