"""Exercises that find out whether a site would survive a loss: ways of escape, asked for and tried."""
