"""Retweets: once per account and post, with counts; and undoing them."""
