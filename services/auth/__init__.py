"""Accounts and sessions: sign-up, password, second factor, log-out."""
