"""What each way to acknowledge a write costs, and what it loses."""
