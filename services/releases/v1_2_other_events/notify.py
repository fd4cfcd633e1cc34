"""Notifications are made from the new name."""

from services.notify.consumer import Notifier
from services.releases.v1_2_other_events.understanding import understand


def change() -> None:
    understand(Notifier)
