"""A site without processes, for tests of what hurts it and of what undoes that."""
