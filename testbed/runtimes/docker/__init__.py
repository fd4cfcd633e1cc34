"""The site as containers: what Docker Compose made of docker-compose.yml, seen from the controller's own
container through the engine's socket."""
