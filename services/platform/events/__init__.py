"""The event log: appended in the transaction of the write that it tells of, read by consumer groups."""
