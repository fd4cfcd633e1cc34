"""Posts: create, read, delete, like; protected accounts."""
