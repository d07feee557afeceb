"""What a workspace says about itself: a frozen, validated object read from `prodops.toml`."""

import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    field_validator,
    model_validator,
)

from prodops_analysis.errors import ProdopsError, SettingsError
from prodops_analysis.workflow import Workflow

FILE = "prodops.toml"
EVERY_TEAM = "*"
UNKNOWN = "is not a setting; remove it or look for the spelling in the comments of a new workspace"


# what pydantic refuses -> what to write instead
_SAID = dict.fromkeys(("date_parsing", "date_from_datetime_parsing"), "is no day; write it as 2026-03-02") | {
    "tuple_type": "must be a list in square brackets",
    "float_parsing": "is no number; write it as 0.15",
    "int_parsing": "is no whole number",
}


def in_our_words(error: type[ProdopsError], *, unknown: str) -> Any:
    """Return the last validator of a model, which raises what pydantic refuses as an error of ours.

    unknown : what is said of a name that is none of the model's.
    """

    def refused(cls: type[BaseModel], value: Any, handler: ModelWrapValidatorHandler[Any]) -> Any:
        try:
            return handler(value)
        except ValidationError as faults:
            raise error(_explain(faults, unknown=unknown)) from None

    return model_validator(mode="wrap")(classmethod(refused))  # type: ignore[arg-type]  # typed for decorators only


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TableSource(_Frozen):
    """An export: CSV, JSONL or Parquet, one row an event or one row a work item."""

    kind: Literal["table"]
    name: str
    path: str  # a file or a pattern, relative to the workspace
    shape: Literal["events", "items"] = "events"
    columns: dict[str, str]  # contract column -> column of the export
    fields: dict[str, str] = {}  # shape events: field of the export -> field of the event log
    states: dict[str, str] = {}  # shape items: state -> column that holds the date it was entered
    date_format: str = ""  # strptime format; empty means ISO 8601
    team: str = ""  # for an export without a team column


class GitRecordsSource(_Frozen):
    """A git history of text records (YAML, or Markdown with front matter)."""

    kind: Literal["git_records"]
    name: str
    path: str  # a clone, relative to the workspace or absolute
    ref: str = "HEAD"
    files: list[str]  # path patterns, for example keps/**/kep.yaml
    item_id: str = ""  # key that names the item; empty means the path of its first version
    team: str = ""  # key that names the team
    fields: dict[str, str]  # key of the record -> field of the event log
    people: list[str] = []  # further keys that hold names of people, replaced by pseudonyms


class Quality(_Frozen):
    """Thresholds of the data quality grades; printed in every report."""

    grade_b: float = Field(default=0.02, gt=0, lt=1)  # share of doubtful items from which a figure is B
    grade_c: float = Field(default=0.10, gt=0, lt=1)
    grade_d: float = Field(default=0.25, gt=0, lt=1)
    bulk_items: int = Field(default=10, ge=2)  # items edited together from which it is a bulk edit
    stale_days: int = Field(default=180, ge=1)  # an open item without an event for so long is stale

    @model_validator(mode="after")
    def _rising(self) -> "Quality":
        if not self.grade_b < self.grade_c < self.grade_d:
            raise ValueError("grade_b, grade_c and grade_d must rise")
        return self


class Settings(_Frozen):
    """All a workspace declares. Build it in Python with `Settings(workflow=…)`, one map for all teams or one a team.

    >>> settings = Settings(workflow={"Backlog": "queue", "Doing": "active", "Done": "done"})
    >>> settings.workflow_of("Search").done
    ('Done',)
    """

    title: str = "Product operations"
    notice: str = ""  # printed on every page, for example that the data is synthetic
    as_of: AwareDatetime | None = None  # when the export was taken; missing means its last event
    time_zone: str = "UTC"  # of dates without one, rollouts, decisions and month borders
    sources: list[Annotated[TableSource | GitRecordsSource, Field(discriminator="kind")]] = []
    workflow: dict[str, Workflow] = {}  # team -> map; "*" is for teams without one of their own
    quality: Quality = Quality()
    metrics: list[str] = ["cycle_time", "lead_time", "throughput", "wip", "work_item_age", "owner_at_start"]
    own_reports: list[str] = []  # notebooks of the workspace that belong to each month, beside the standard ones
    smallest_group: int = Field(default=5, ge=1)  # figures on fewer items are not shown
    seed: int = 20260101  # of everything drawn by chance

    @field_validator("workflow", mode="before")
    @classmethod
    def _one_map_for_all(cls, value: Any) -> Any:
        by_team = {EVERY_TEAM: value} if isinstance(value, Workflow) or _gives_stages(value) else value
        if not isinstance(by_team, Mapping):
            return by_team
        return {team: Workflow.of(given) if _gives_stages(given) else given for team, given in by_team.items()}

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"unknown time zone {value!r}; name one such as Europe/Berlin") from None
        return value

    @model_validator(mode="after")
    def _distinct_sources(self) -> "Settings":
        names = [source.name for source in self.sources]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"two sources are named {sorted(twice)[0]!r}; give each its own name")
        return self

    _refused = in_our_words(SettingsError, unknown=UNKNOWN)

    def workflow_of(self, team: str) -> Workflow | None:
        """Return the workflow map of a team, or None where nothing is declared."""
        return self.workflow.get(team, self.workflow.get(EVERY_TEAM))

    def begin_of(self, day: date) -> pd.Timestamp:
        """Return the instant at which a day begins where the teams are."""
        return pd.Timestamp(day, tz=self.time_zone).tz_convert("UTC")


def _gives_stages(value: Any) -> bool:
    """Whether a value is a map from state to stage, not one from team to map."""
    return isinstance(value, Mapping) and bool(value) and all(isinstance(stage, str) for stage in value.values())


def instant(as_of: object) -> pd.Timestamp:
    """Read an instant, UTC where it names no zone. Raises SettingsError: it is none, or needs a clock or a guess."""
    try:
        moment = pd.Timestamp(datetime.fromisoformat(as_of) if isinstance(as_of, str) else as_of)
    except (ValueError, TypeError):
        moment = pd.NaT
    if pd.isna(moment) or isinstance(as_of, int | float):
        raise SettingsError(f"as_of {as_of!r} is no date; write it as 2026-10-05 or 2026-10-05T08:00Z")
    return moment.tz_localize("UTC") if moment.tzinfo is None else moment.tz_convert("UTC")


def read_settings(path: Path) -> Settings:
    """Read `prodops.toml`. Raises SettingsError with the place and what was found."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise SettingsError(f"{path} does not exist; `prodops init DIR` makes a workspace") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path} is not UTF-8 text; save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from None
    if "workflow" in raw:
        raise SettingsError(f"{path}: workflow is not a setting; write [workflows.default]")
    raw["workflow"] = _by_team(raw.pop("workflows", {}), path)
    at = raw.get("as_of")
    if isinstance(at, int | float) or (isinstance(at, datetime) and at.tzinfo is None):
        raise SettingsError(f"{path}: as_of {at} has no time zone; write it as 2026-10-05T00:00:00Z")
    try:
        return Settings.model_validate(raw)
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from None


def _explain(error: ValidationError, *, unknown: str = UNKNOWN) -> str:
    """Say in one line each what pydantic refused, and where."""
    lines = []
    for fault in error.errors(include_url=False):
        place = ".".join(str(part) for part in fault["loc"]) or "settings"
        found = fault["input"]
        shown = f" (found {found!r})" if isinstance(found, str | int | float | bool) else ""
        said = _SAID.get(fault["type"], fault["msg"].removeprefix("Value error, "))
        if fault["type"] == "extra_forbidden":
            said = unknown
        if fault["type"] == "union_tag_invalid":
            said = f"kind is {fault['ctx']['tag']!r}; it can be {fault['ctx']['expected_tags']}"
        lines.append(f"{place}: {said}{shown}")
    return "; ".join(lines)


def _by_team(maps: Any, path: Path) -> dict[str, Workflow]:
    """Turn `[workflows.NAME] teams = [...]` into one map a team."""
    by_team: dict[str, Workflow] = {}
    if not isinstance(maps, dict) or not all(isinstance(m, dict) for m in maps.values()):
        raise SettingsError(f"{path}: workflows must be tables, such as [workflows.default]")
    for name, declared in maps.items():
        body = {"name": name, **declared}
        teams = body.pop("teams", [EVERY_TEAM])
        if not isinstance(teams, list):
            raise SettingsError(f"{path}: teams of map {name!r} must be a list, such as [{teams!r}]")
        try:
            workflow = Workflow.model_validate(body)
        except ValidationError as error:
            raise SettingsError(f"{path}: workflows.{name}: {_explain(error)}") from None
        for team in teams:
            if team in by_team:
                whom, first = "every team" if team == EVERY_TEAM else f"team {team!r}", by_team[team].name
                raise SettingsError(
                    f"{path}: {whom} has two workflow maps, {first!r} and {name!r}; list it under one of them"
                )
            by_team[team] = workflow
    return by_team
