"""`python -m services.frontend`: the traffic front end, on an internal and a public listener."""

from services.frontend.app import front_end
from services.platform import release
from services.platform.serve import Public, run
from services.platform.settings import Settings


def main() -> None:
    """Serve until told to stop."""
    settings = Settings.from_environment()
    release.take(settings.release, settings.service)
    applications = front_end(settings)
    run(applications.internal, settings, Public(applications.public, applications.clients))


if __name__ == "__main__":
    main()
