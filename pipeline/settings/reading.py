"""The whole tree, and how it is read: defaults, then the file, the environment, and flags."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import Field, TypeAdapter, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    YamlConfigSettingsSource,
)
from pydantic_settings.exceptions import SettingsError as SourceError

from pipeline.errors import SettingsError
from pipeline.settings.goals import Goals, SiteGoals
from pipeline.settings.repeated import twice
from pipeline.settings.tree import (
    Audit,
    ClickHouse,
    Collect,
    Console,
    Digest,
    Investigations,
    Kafka,
    Keys,
    Log,
    Name,
    Split,
    Vault,
    Windows,
)

_FILE_VARIABLE = "PARTYWALL_CONFIG"
_PERSON_VARIABLE = "PARTYWALL_AS"  # who works on cases: no setting, and no mistake either
_GOALS: Final = TypeAdapter(dict[Name, SiteGoals])


class Settings(BaseSettings):
    """The whole tree."""

    model_config = SettingsConfigDict(
        env_prefix="PARTYWALL_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    kafka: Kafka = Kafka()
    collect: Collect = Collect()
    split: Split = Split()
    windows: Windows = Windows()
    vault: Vault = Vault()
    keys: Keys = Keys()
    investigations: Investigations = Investigations()
    console: Console = Console()
    audit: Audit = Audit()
    clickhouse: ClickHouse = ClickHouse()
    digest: Digest = Digest()
    goals: dict[Name, SiteGoals] = Field(default_factory=dict)
    """Site → goals, by the names under which they are shown (docs/analytics.md)."""
    log: Log = Log()
    policy: Path | None = None
    k: int | None = Field(default=None, ge=1)
    lower_k: bool = False
    """Take a ``k`` below the policy's: what `--k` on the command line sets for its own group."""
    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = Field(default=None, ge=0, le=65535)
    state_dir: Path = Path("data/state")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags win over the environment, the environment over the file."""
        del dotenv_settings, file_secret_settings
        path = os.environ.get(_FILE_VARIABLE)
        if path is None:
            return init_settings, env_settings
        return init_settings, env_settings, YamlConfigSettingsSource(settings_cls, path)


def load(config: Path | None = None, **flags: object) -> Settings:
    """Read the tree; raises SettingsError with one line that names the setting at fault."""
    if config is not None:
        os.environ[_FILE_VARIABLE] = str(config)
    path = os.environ.get(_FILE_VARIABLE)
    if path is not None and not Path(path).is_file():
        raise SettingsError(
            f"settings file {path} does not exist: check --config or {_FILE_VARIABLE}"
        )
    _check_variables()
    if path is not None:
        _check_twice(Path(path))
    try:
        return Settings(**flags)  # type: ignore[arg-type]
    except ValidationError as error:
        raise _mistake(error) from None
    except SourceError:
        raise SettingsError(
            "an environment variable of a list or a tree is no JSON: check PARTYWALL_*, or set a "
            "single value as in PARTYWALL_KAFKA__BOOTSTRAP"
        ) from None
    except (yaml.YAMLError, ValueError, TypeError):
        raise SettingsError(
            f"settings file {path}: cannot be read as YAML in the shape of the tree"
        ) from None


def goals_of(said: object) -> Goals:
    """Return the goals that settings left in a file have, and none of this process's own.

    Raises SettingsError.
    """
    try:
        return _GOALS.validate_python(said)
    except ValidationError as error:
        raise _mistake(error, "goals") from None


def windows_of(said: object) -> Windows:
    """Return the windows that settings left in a file have; raises SettingsError."""
    try:
        return Windows.model_validate(said)
    except ValidationError as error:
        raise _mistake(error, "windows") from None


def written() -> dict[str, Any]:
    """Return what the settings file says that ``load`` has read; {} where it has read none."""
    path = os.environ.get(_FILE_VARIABLE)
    return {} if path is None else YamlConfigSettingsSource(Settings, path)()


def _mistake(error: ValidationError, *above: str) -> SettingsError:
    """Return the first mistake, with the name of the setting and of what stands ``above`` it."""
    first = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(map(str, (*above, *first["loc"])))
    if first["type"] == "extra_forbidden":
        return SettingsError(f"setting {where}: there is none of that name; remove it or mend it")
    return SettingsError(f"setting {where}: {first['msg']}")


def _check_twice(path: Path) -> None:
    """Refuse a name that stands twice in one place."""
    try:
        name = twice(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, ValueError):
        return  # what cannot be read at all is told of where it is read
    if name is not None:
        raise SettingsError(f"setting {name}: it stands there twice; keep one of the two")


def _check_variables() -> None:
    """Refuse an environment variable of ours that names no setting (pydantic ignores it)."""
    named = {f"PARTYWALL_{name.upper()}" for name in Settings.model_fields}
    known = named | {_FILE_VARIABLE, _PERSON_VARIABLE}
    for variable in os.environ:
        if variable.startswith("PARTYWALL_") and variable.split("__")[0] not in known:
            raise SettingsError(
                f"environment variable {variable} names no setting; remove it or mend it"
            )
