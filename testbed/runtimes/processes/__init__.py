"""The site as plain processes: docker-compose.yml as it is, and a warm parent that forks and watches."""
