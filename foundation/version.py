"""Which failwhale this is: the site's services say it, and the image is called after it. A test holds
pyproject.toml and docker-compose.yml to it."""

VERSION = "1.0"
