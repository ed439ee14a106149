"""A digest by mail: plain text and HTML in one message, over SMTP (RFC 5321, 5322)."""

from __future__ import annotations

import datetime as dt
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Final

from pipeline.digest.contents import Digest
from pipeline.digest.page import as_page
from pipeline.digest.secret import secret
from pipeline.digest.text import as_text
from pipeline.digest.wording import subject
from pipeline.errors import SettingsError, UnavailableError
from pipeline.settings import DigestEmail

_SECONDS: Final = 30.0


def message(digest: Digest, settings: DigestEmail, now: dt.datetime) -> EmailMessage:
    """Return a digest's mail. Sent twice it has one Message-ID, so mail stores can tell."""
    made = EmailMessage()
    made["Subject"] = subject(digest)
    made["From"] = settings.sender
    made["To"] = ", ".join(settings.to)
    made["Date"] = format_datetime(now)
    domain = settings.sender.rpartition("@")[2].strip("> ")
    made["Message-ID"] = f"<partywall-{digest.site}-{digest.week}@{domain}>"
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence is answered to us
    made.set_content(as_text(digest))
    made.add_alternative(as_page(digest), subtype="html")
    return made


def send(made: EmailMessage, settings: DigestEmail) -> int:
    """Hand a mail over; return how many of its recipients were refused.

    Raises SettingsError for a password file, UnavailableError where the server is away or refuses.
    """
    password = secret("digest.email.password_file", settings.password_file)
    try:
        with _server(settings) as server:
            if settings.security == "starttls":
                server.starttls(context=_tls(settings.ca_file))
            if settings.username is not None:
                server.login(settings.username, password)
            return len(server.send_message(made))
    except smtplib.SMTPResponseException as error:
        raise UnavailableError(f"mail server: it answered {error.smtp_code}") from None
    except (smtplib.SMTPException, OSError) as error:
        raise UnavailableError(f"mail server: {type(error).__name__}") from None


def _server(settings: DigestEmail) -> smtplib.SMTP:
    if settings.security == "tls":
        return smtplib.SMTP_SSL(
            settings.host, settings.port, timeout=_SECONDS, context=_tls(settings.ca_file)
        )
    return smtplib.SMTP(settings.host, settings.port, timeout=_SECONDS)


def _tls(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    except (OSError, ssl.SSLError):
        raise SettingsError(
            "setting digest.email.ca_file: cannot be read as certificates"
        ) from None
