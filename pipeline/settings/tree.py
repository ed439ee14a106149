"""What there is to set: a branch for each part of the house, with what holds unless it is set.

A field is a setting, under the same name in the file and in the environment: docs/operations.md
lists them. No branch reads anything.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipeline.labels import LIVE, PATTERN
from pipeline.zones import Zones

Name = Annotated[str, Field(pattern=f"^{PATTERN}$")]
"""A label an operator gives (site, source, ingest)."""

OwnFormat = str | dict[str, object]
"""A log format that an operator describes: see ``Split.formats``."""

Places = Literal["none", "region", "city"]
"""What is told of where a visitor is, besides the country."""

RoleName = Literal["investigator", "approver", "auditor", "privacy_officer"]
"""What a person may be: ``pipeline.cases.people.Role`` has the same words."""


class _Branch(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Kafka(_Branch):
    """The broker, and how this process signs in to it."""

    bootstrap: str = "127.0.0.1:9092"
    security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    idempotence: bool = True
    session_timeout_ms: int = Field(default=10_000, ge=500)
    replication: int = Field(default=1, ge=1)


class Behaviour(_Branch):
    """How much a visitor may do before it is suspect; 0 switches a sign off.

    What is not set is as ``schemas/behaviour.yaml`` says.
    """

    pages_a_minute: int | None = Field(default=None, ge=0)
    pages_without_assets: int | None = Field(default=None, ge=0)
    visitors_with_assets: int | None = Field(default=None, ge=0)


class Split(_Branch):
    """Door 1: defaults for messages without headers, limits and optional databases."""

    site: Name = "default"
    source: Name = "kafka"
    format: str = "combined"
    formats: dict[Name, OwnFormat] = Field(default_factory=dict)
    """Formats of one's own: name → an Apache ``LogFormat`` or nginx ``log_format`` string, or
    ``{json: {field: path, …}}``, or ``{regex: …, form: …}`` (docs/formats.md)."""
    ingest: Name = LIVE
    zone: str = "UTC"
    """Time zone (IANA) of times that stand without an offset, where a message names none."""
    trusted_proxies: list[str | dict[str, str]] = Field(default_factory=list)
    """Networks (CIDR) and presets of schemas/proxies.yaml, or {from: …, header: …}."""
    sites: list[Name] | None = None
    ingests: list[Name] | None = None
    own_hosts: dict[str, list[str]] = Field(default_factory=dict)
    scrub_rules: Path | None = None
    mmdb_country: Path | None = None
    places: Places = "none"
    """How finely the file of countries is asked where a visitor is."""
    mmdb_asn: Path | None = None
    datacentres: Path | None = None
    """Networks of data centres: a text with one a line, or an MMDB file."""
    behaviour: Behaviour = Behaviour()
    max_line_bytes: int = Field(default=64 * 1024, ge=1024, le=64 * 1024)
    batch_messages: int = Field(default=100_000, ge=1)
    linger_ms: int = Field(default=500, ge=0)
    reject_limit: float = Field(default=0.5, ge=0, le=1)
    reject_window: int = Field(default=10_000, ge=1)
    reject_action: Literal["stop", "alarm"] = "stop"
    idle_seconds: float = Field(default=30.0, gt=0)
    delete_after_commit: bool = True


Signal = Literal["drop", "anonymous", "ignore"]
"""What a visitor's privacy signal does: nothing is kept, or no pseudonym is made, or neither."""


class Signals(_Branch):
    """What Global Privacy Control and Do Not Track do at one site; the stricter one wins."""

    gpc: Signal = "drop"
    dnt: Signal = "drop"


class CollectSite(_Branch):
    """A site whose pages may send widget events, and from which origins."""

    origins: list[str] = Field(default_factory=list)
    privacy: Signals = Signals()


class CollectSource(_Branch):
    """Who may push log lines, for which sites, and in which format unless the request says."""

    token_file: Path
    sites: list[Name] = Field(min_length=1)
    format: Name | None = None


class Collect(_Branch):
    """The collector: where it listens, whose events and lines it takes, and how much of them."""

    host: str = "127.0.0.1"
    port: int = Field(default=9320, ge=0, le=65535)
    sites: dict[Name, CollectSite] = Field(default_factory=dict)
    sources: dict[Name, CollectSource] = Field(default_factory=dict)
    trusted_proxies: list[str] = Field(default_factory=list)
    """Networks whose ``X-Forwarded-For`` is believed when requests of a client are counted."""
    rate_per_minute: int = Field(default=1200, ge=1)
    max_body_bytes: int = Field(default=64 * 1024, ge=1024, le=64 * 1024)
    """Of an events request, packed and unpacked alike; a browser's beacon has no more either."""
    max_events: int = Field(default=100, ge=1, le=100)
    max_upload_bytes: int = Field(default=8 * 2**20, ge=1024)
    """Of a logs request as it comes; ``max_lines_bytes`` when it is unpacked."""
    max_lines_bytes: int = Field(default=64 * 2**20, ge=1024)
    max_pending_bytes: int = Field(default=256 * 2**20, ge=1024)
    """Of all bodies together that are in memory, being read or not yet acknowledged."""
    max_connections: int = Field(default=12_000, ge=1)
    idle_seconds: float = Field(default=15.0, gt=0)
    read_seconds: float = Field(default=10.0, gt=0)
    ack_seconds: float = Field(default=10.0, gt=0)
    fastly_services: list[str] = Field(default_factory=list)
    demo: bool = False
    """Serve a page with a small widget at ``/demo``, as the site ``demo``."""


class Windows(_Branch):
    """By whose clock hours and days are cut, when they close, and how long they take late lines."""

    zone: str = "UTC"
    """Time zone (IANA) of sites that are not among ``zones``: when their day begins and ends."""
    zones: dict[Name, str] = Field(default_factory=dict)
    lateness_minutes: int = Field(default=120, ge=0)
    hold_hours: int = Field(default=20, ge=0, le=21)

    def clocks(self) -> Zones:
        """Return the zone of each site; raises SettingsError for one that there is not."""
        return Zones.named(self.zone, self.zones)


class Vault(_Branch):
    """Where sealed segments go, and how much is gathered for one."""

    url: str = "data/vault"
    log: str = Field(default="", pattern=r"^[A-Za-z0-9]{0,32}$")
    """Names the broker whose offsets the vault counts by: a new name for a new broker."""
    flush_bytes: int = Field(default=64 * 2**20, ge=1)
    flush_seconds: float = Field(default=900.0, gt=0)
    """A record is found after so long at most; more segments make a look-up slower."""


class Kek(_Branch):
    """Where the key-encryption key is: see ``pipeline.keys.kek`` for the kinds."""

    kind: Literal["file", "mounted", "variable", "aws-kms"] = "file"
    variable: str | None = None
    """The environment variable that names the file, for ``variable``."""
    key: str | None = None
    """Id, ARN or alias of the key, for ``aws-kms``."""
    region: str | None = None
    endpoint: str | None = None


class Keys(_Branch):
    """The key service: where it listens, and its own store."""

    url: str = "unix://data/keys/service.sock"
    token_file: Path = Path("data/keys/split.token")
    investigations_token_file: Path = Path("data/keys/investigations.token")
    verifier: Path | None = None
    """The service's vkey: the service writes it there where there is none, and split checks public
    keys with it. Without the setting split keeps the first it meets, beside ``token_file``."""
    store: str = "data/keys/keys.sqlite"
    """A file, or ``postgresql+psycopg://USER@HOST/NAME``."""
    store_password_file: Path | None = None
    kek: Kek = Kek()
    kek_file: Path = Path("data/keys/kek")
    """The key-encryption key, for ``kek.kind`` ``file`` and ``mounted``."""
    signing_key: Path = Path("data/keys/service.key")
    """The service's Ed25519 key; its vkey is written beside it."""


class Audit(_Branch):
    """The audit log, its signing key, and whom it tells: nothing but the log lies in ``folder``."""

    folder: Path = Path("data/audit")
    key: Path = Path("data/keys/audit.key")
    vkey: Path = Path("data/keys/audit.vkey")
    witness: Path = Path("data/witness/checkpoints")
    auditor_key: Path = Path("data/auditors/auditor.key")
    auditor_public: Path = Path("data/auditors/auditor.pub")


class Oidc(_Branch):
    """The provider that investigators sign in at, and what its ID tokens say of them."""

    issuer: str = Field(pattern=r"^https?://\S+$")
    """As the provider writes it in ``iss``: ``https``, or ``http`` on this machine."""
    client_id: str = Field(min_length=1)
    client_secret_file: Path | None = None
    """None for a client without a secret (PKCE is asked for either way)."""
    scopes: list[str] = Field(default_factory=lambda: ["openid"])
    name_claim: str = "sub"
    """What a person is called in the audit log: another only where nobody inherits its values."""
    roles_claim: str = "roles"
    """A claim's name, or the way to it with dots: ``realm_access.roles``."""
    role_map: dict[str, RoleName] = Field(default_factory=dict)
    """The provider's word for a role → ours. A word that is not here grants nothing."""
    team_claim: str | None = None


class Investigations(_Branch):
    """The investigators' pages: where they are served, and who signs in how."""

    host: str = "127.0.0.1"
    port: int = Field(default=9340, ge=0, le=65535)
    origin: str | None = Field(default=None, pattern=r"^https?://[^/\s?#@]+$")
    """What browsers are to call, as in ``https://cases.example.com``; None: where it listens."""
    trusted_proxies: list[str] = Field(default_factory=list)
    """Networks whose ``X-Forwarded-For`` is believed when requests of a client are counted."""
    oidc: Oidc | None = None
    people: Path | None = None
    """Who there is, for the sign-in without a password: an embedded group's alone."""
    store: str = "data/cases/cases.sqlite"
    """Cases: a file, or ``postgresql+psycopg://USER@HOST/NAME``."""
    store_password_file: Path | None = None
    kek_file: Path = Path("data/keys/cases.kek")
    """Wraps each case's key."""
    evidence: Path = Path("data/evidence")
    evidence_key: Path = Path("data/keys/evidence.key")
    """Signs bundles; its vkey is written beside it."""
    idle_minutes: int = Field(default=15, ge=1, le=60)
    session_hours: int = Field(default=8, ge=1, le=24)
    sign_ins_per_minute: int = Field(default=10, ge=1)
    searches_per_minute: int = Field(default=30, ge=1)


class ConsoleToken(_Branch):
    """A team or a program that may ask the console's API, and about which sites."""

    token_file: Path
    sites: list[Name] = Field(min_length=1)
    """Their chat widgets are theirs too."""


class Console(_Branch):
    """The analysts' console: where it is served, as whom it reads, and who signs in."""

    host: str = "127.0.0.1"
    port: int = Field(default=9330, ge=0, le=65535)
    origin: str | None = Field(default=None, pattern=r"^https?://[^/\s?#@]+$")
    """What browsers are to call, as in ``https://numbers.example.com``; None: where it listens."""
    username: str = "analyst"
    """The user of ``clickhouse.url`` that the console reads as: one that cannot write."""
    password_file: Path | None = None
    key_file: Path = Path("data/console/key")
    """Signs sessions and links; made at the first start."""
    word_file: Path = Path("data/console/word")
    """What the link of ``partywall up`` signs in with: an embedded group's alone."""
    session_hours: int = Field(default=12, ge=1, le=168)
    tokens: dict[Name, ConsoleToken] = Field(default_factory=dict)
    requests_per_minute: int = Field(default=120, ge=1)
    """Of each token at the API."""


class ClickHouse(_Branch):
    """A server's address, or a folder for the engine in process."""

    url: str | None = None
    username: str = "default"
    password_file: Path | None = None
    embedded_path: Path = Path("data/clickhouse")
    endpoint_port: int = Field(default=0, ge=0, le=65535)


WEEKDAYS: Final = (
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
)  # fmt: skip


class DigestEmail(_Branch):
    """The mail server that takes digests, and who gets them."""

    host: str = Field(min_length=1)
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    sender: str = Field(pattern=r"^[^\r\n@]+@[^\r\n@]+$")
    to: list[Annotated[str, Field(pattern=r"^[^\r\n@,]+@[^\r\n@,]+$")]] = Field(min_length=1)

    @model_validator(mode="after")
    def _no_password_in_the_open(self) -> Self:
        if self.username is not None and self.security == "none":
            raise ValueError("security none would send the password in the open")
        return self


class DigestWebhook(_Branch):
    """Where digests are posted as JSON."""

    url: str = Field(pattern=r"^https?://[^\s/@]+(/\S*)?$")
    token_file: Path | None = None
    """Its content goes along as a bearer token: over https, or to this machine."""

    @model_validator(mode="after")
    def _no_token_in_the_open(self) -> Self:
        here = re.match(r"http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?(/|$)", self.url)
        if self.token_file is not None and not (here or self.url.startswith("https:")):
            raise ValueError("url is http, which would send the token in the open")
        return self


class Digest(_Branch):
    """The weekly digest: of which sites, when it goes out, and where to."""

    sites: list[Name] = Field(default_factory=list)
    """None named: all that have released a day, without those of widgets."""
    weekday: Literal[
        "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"
    ] = "tuesday"
    """UTC, for all sites. A Sunday closes some 22 hours after its end by the site's own clock: an
    earlier digest waits for it."""
    hour: int = Field(default=6, ge=0, le=23)
    email: DigestEmail | None = None
    webhook: DigestWebhook | None = None


class Log(_Branch):
    """How we speak of ourselves."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    json_lines: bool = False
