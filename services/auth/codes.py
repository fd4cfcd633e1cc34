"""Time-based one-time codes (TOTP, RFC 6238): six digits, 30 seconds."""

from __future__ import annotations

import secrets

import pyotp

from services.platform import wall_clock

STEP_SECONDS = 30
ISSUER = "failwhale"


def new_secret() -> str:
    """A secret as authenticator apps take it (Base32)."""
    return pyotp.random_base32()


def uri(secret: str, name: str) -> str:
    """What an authenticator app reads from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER)


def matching_step(secret: str, code: str, now: float | None = None) -> int | None:
    """The time step whose code this is: the present one, one before or one after (clocks differ); or None."""
    totp = pyotp.TOTP(secret)
    present = int(wall_clock.now() if now is None else now) // STEP_SECONDS
    steps = (present, present - 1, present + 1)
    matches = [step for step in steps if secrets.compare_digest(totp.generate_otp(step), code)]
    return matches[0] if matches else None
