"""One typed tree of settings: file, environment and flags, in rising order of precedence.

A file (``--config``, or ``PARTYWALL_CONFIG``) is YAML in the shape of the tree. An environment
variable is the path in upper case, ``PARTYWALL_KAFKA__BOOTSTRAP=broker:9092``. A key that is not
in the tree is an error, so a typing mistake cannot switch a protection off.

Secrets are never settings: a setting names the file that holds the secret.
"""

from pipeline.settings.goals import NO_GOALS, Goal, Goals, SiteGoals
from pipeline.settings.reading import Settings, goals_of, load, windows_of, written
from pipeline.settings.repeated import twice
from pipeline.settings.tree import (
    WEEKDAYS,
    Audit,
    Behaviour,
    ClickHouse,
    Collect,
    CollectSite,
    CollectSource,
    Console,
    ConsoleToken,
    Digest,
    DigestEmail,
    DigestWebhook,
    Investigations,
    Kafka,
    Kek,
    Keys,
    Log,
    Name,
    Oidc,
    OwnFormat,
    Places,
    RoleName,
    Signal,
    Signals,
    Split,
    Vault,
    Windows,
)

__all__ = [
    "NO_GOALS",
    "WEEKDAYS",
    "Audit",
    "Behaviour",
    "ClickHouse",
    "Collect",
    "CollectSite",
    "CollectSource",
    "Console",
    "ConsoleToken",
    "Digest",
    "DigestEmail",
    "DigestWebhook",
    "Goal",
    "Goals",
    "Investigations",
    "Kafka",
    "Kek",
    "Keys",
    "Log",
    "Name",
    "Oidc",
    "OwnFormat",
    "Places",
    "RoleName",
    "Settings",
    "Signal",
    "Signals",
    "SiteGoals",
    "Split",
    "Vault",
    "Windows",
    "goals_of",
    "load",
    "twice",
    "windows_of",
    "written",
]
