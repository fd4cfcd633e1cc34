"""Notifications: made from the event log, listed, counted, and streamed live."""
