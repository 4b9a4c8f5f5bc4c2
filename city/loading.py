"""Loading a city file: what it says becomes so, what it no longer names is retired."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import ARRAY, Text, any_, cast, delete, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from city import (
    catalogue,
    desk_settings,
    people,
    rules,
    rulesets,
    sessions,
    teams,
    working_time,
)
from city.addresses import UnusableAddresses, read_addresses
from city.changes import Changes, assign, sync, touch
from city.desk_models import AnswerTemplate, CloseReason, ThirdParty
from city.file_format import CityFile, UnusableCityFile, read_json
from city.journal import Journal
from city.models import (
    Address,
    Category,
    CategoryGroup,
    Jurisdiction,
    KeptText,
    Person,
    Question,
    Team,
    TeamCalendar,
)
from city.parts import BOUNDARY_CODE, LayerPart
from city.passwords import hash_password
from geo import gis_files, layers, references
from geo.features import Feature, features_of
from geo.gis_files import Rows
from geo.layers import Publication
from geo.models import Layer, LayerRole
from geo.references import Reference, references_of
from geo.unusable import UnusableFeatures
from infra.database import Base

Drawn = TypeVar("Drawn", Feature, Reference)


@dataclass
class Loading:
    """One run of loading a city file; the journal says what it changed."""

    session: Session
    city: CityFile
    now: datetime
    journal: Journal = field(default_factory=Journal)

    def run(self) -> list[str]:
        """Make the database say what the file says, and return what changed.

        Nothing is committed. Raise UnusableCityFile when the file names what is not there.
        """
        jurisdiction = self._load_jurisdiction()
        team_ids = self._load_teams(jurisdiction)
        self._set_fallback(jurisdiction, team_ids[self.city.jurisdiction.fallback_team])
        self._load_layers(jurisdiction)
        groups = self._load_groups(jurisdiction)
        categories = self._load_categories(jurisdiction, groups)
        self._load_desk(jurisdiction, categories)
        self._load_people(jurisdiction, team_ids)
        self._load_rules(jurisdiction)
        self._load_addresses(jurisdiction)
        self.journal.keep(self.session, jurisdiction.id, self.now)
        self.session.flush()
        return self.journal.lines

    def _load_jurisdiction(self) -> Jurisdiction:
        part = self.city.jurisdiction
        values = {
            "names": part.names,
            "time_zone": part.time_zone,
            "locales": part.locales,
            "retention_months": part.retention.months if part.retention else None,
            "retention_text": (part.retention.text if part.retention else KeptText.KEEP).value,
            "feedback_days": part.feedback.days,
            **working_time.values(part),
        }
        jurisdiction = self.session.scalar(
            select(Jurisdiction).where(Jurisdiction.code == part.code)
        )
        if jurisdiction is None:
            jurisdiction = Jurisdiction(code=part.code, **values)
            self.session.add(jurisdiction)
            self.session.flush()
            self.journal.added("jurisdiction", part.code, values)
        else:
            wanted = {**values, "retired_at": None}
            changed = self._update("jurisdiction", part.code, jurisdiction, wanted)
            working_time.have_followed(jurisdiction, changed)
        return jurisdiction

    def _load_teams(self, jurisdiction: Jurisdiction) -> dict[str, int]:
        keys = {"jurisdiction_id": jurisdiction.id}
        times = {part.code: working_time.team_values(part) for part in self.city.calendars}
        ids = self._sync("calendar", TeamCalendar.jurisdiction_id, keys, times)
        wanted = {
            part.code: teams.values(part, ids[part.calendar] if part.calendar else None)
            for part in self.city.teams
        }
        return self._sync("team", Team.jurisdiction_id, keys, wanted)

    def _set_fallback(self, jurisdiction: Jurisdiction, team_id: int) -> None:
        before = self.session.get(Team, jurisdiction.fallback_team_id or 0)
        if before is not None and before.id == team_id:
            return
        jurisdiction.fallback_team_id = team_id
        wanted = self.city.jurisdiction.fallback_team
        line = f"jurisdiction {jurisdiction.code}: what no rule covers goes to team {wanted}"
        told = {"fallback_team": {"from": before and before.code, "to": wanted}}
        self.journal.published("jurisdiction", jurisdiction.code, line, told)

    def _load_layers(self, jurisdiction: Jurisdiction) -> None:
        locale = self.city.jurisdiction.locales[0]
        part = self.city.jurisdiction
        boundary = self._read_districts(part.boundary, None, None)
        if len(boundary) != 1:
            raise UnusableCityFile(f"{part.boundary}: expected one feature, the boundary")
        outline = Feature(part.code, part.names[locale], boundary[0].shape, boundary[0].repaired)
        self._retire_layers(jurisdiction)
        self._publish(jurisdiction, BOUNDARY_CODE, part.names, LayerRole.BOUNDARY, [outline])
        # The service layer comes last: another may have to give up that role first.
        for layer_part in sorted(self.city.layers, key=lambda layer: layer.role == "service"):
            self._load_layer(jurisdiction, layer_part)

    def _retire_layers(self, jurisdiction: Jurisdiction) -> None:
        gone = self.session.scalars(
            select(Layer)
            .where(
                Layer.jurisdiction_id == jurisdiction.id,
                Layer.code.not_in([BOUNDARY_CODE, *(part.code for part in self.city.layers)]),
                Layer.retired_at.is_(None),
            )
            .order_by(Layer.code)
        )
        for layer in gone:
            self._update("layer", layer.code, layer, {"retired_at": self.now})

    def _load_layer(self, jurisdiction: Jurisdiction, part: LayerPart) -> None:
        role = LayerRole(part.role)
        if role is LayerRole.REFERENCE:
            found = self._read(part.file, lambda rows: references_of(rows, part.code_property))
            layer = self._layer(jurisdiction, part.code, part.names, role)
            done = references.publish(self.session, layer, found, self.now)
            self._note(part.code, done, f"{len(found)} features")
        else:
            features = self._read_districts(part.file, part.code_property, part.name_property)
            self._publish(jurisdiction, part.code, part.names, role, features)

    def _read_districts(self, file: Path, code: str | None, name: str | None) -> list[Feature]:
        return self._read(file, lambda rows: features_of(rows, code, name))

    def _read(self, file: Path, read: Callable[[Rows], list[Drawn]]) -> list[Drawn]:
        path = self.city.folder / file
        try:
            features = read(gis_files.of_geojson(read_json(path)))
        except UnusableFeatures as error:
            raise UnusableCityFile(f"{path}: {error}") from error
        self.journal.lines += [
            f"layer file {path.name}: the rings of {feature.code} cross themselves and were mended"
            for feature in features
            if feature.repaired
        ]
        return features

    def _publish(
        self,
        jurisdiction: Jurisdiction,
        code: str,
        names: Mapping[str, str],
        role: LayerRole,
        features: Sequence[Feature],
    ) -> None:
        layer = self._layer(jurisdiction, code, names, role)
        locale = self.city.jurisdiction.locales[0]
        done = layers.publish(self.session, layer, features, locale, self.now)
        self._note(code, done, f"{len(features)} districts")

    def _layer(
        self, jurisdiction: Jurisdiction, code: str, names: Mapping[str, str], role: LayerRole
    ) -> Layer:
        layer = self.session.scalar(
            select(Layer).where(Layer.jurisdiction_id == jurisdiction.id, Layer.code == code)
        )
        values = {"names": dict(names), "role": role.value}
        if layer is None:
            layer = Layer(jurisdiction_id=jurisdiction.id, code=code, **values)
            self.session.add(layer)
            self.session.flush()
            self.journal.added("layer", code, values)
        else:
            self._update("layer", code, layer, {**values, "retired_at": None})
        return layer

    def _note(self, code: str, done: Publication, what: str) -> None:
        if done.changed:
            line = f"layer {code}: version {done.version} published with {what}"
            self.journal.published("layer", code, line, {"version": done.version})
        self.journal.lines += [f"district {gone} of layer {code}: retired" for gone in done.retired]

    def _load_groups(self, jurisdiction: Jurisdiction) -> dict[str, int]:
        wanted = {
            part.code: catalogue.group_values(part, position)
            for position, part in enumerate(self.city.groups)
        }
        keys = {"jurisdiction_id": jurisdiction.id}
        return self._sync("group", CategoryGroup.jurisdiction_id, keys, wanted)

    def _load_categories(
        self, jurisdiction: Jurisdiction, groups: Mapping[str, int]
    ) -> dict[str, int]:
        wanted = {
            part.code: catalogue.category_values(part, groups[part.group], position)
            for position, part in enumerate(self.city.categories)
        }
        keys = {"jurisdiction_id": jurisdiction.id}
        ids = self._sync("category", Category.jurisdiction_id, keys, wanted)
        for part in self.city.categories:
            said = len(self.journal.lines)
            self._sync(
                f"question of {part.code}:",
                Question.category_id,
                {**keys, "category_id": ids[part.code]},
                catalogue.question_values(part.questions),
            )
            if len(self.journal.lines) > said:
                touch(self.session.get_one(Category, ids[part.code]))
        return ids

    def _load_desk(self, jurisdiction: Jurisdiction, categories: Mapping[str, int]) -> None:
        keys = {"jurisdiction_id": jurisdiction.id}
        reasons = {
            part.code: desk_settings.reason_values(part, position)
            for position, part in enumerate(self.city.close_reasons)
        }
        self._sync("close reason", CloseReason.jurisdiction_id, keys, reasons)
        parties = {
            part.code: desk_settings.third_party_values(part, position)
            for position, part in enumerate(self.city.third_parties)
        }
        self._sync("third party", ThirdParty.jurisdiction_id, keys, parties)
        templates = {
            part.code: desk_settings.template_values(
                part, categories[part.category] if part.category else None, position
            )
            for position, part in enumerate(self.city.templates)
        }
        self._sync("template", AnswerTemplate.jurisdiction_id, keys, templates)

    def _load_people(self, jurisdiction: Jurisdiction, team_ids: Mapping[str, int]) -> None:
        known = {
            person.email: person
            for person in self.session.scalars(
                select(Person).where(Person.email.in_([part.email for part in self.city.people]))
            )
        }
        for part in self.city.people:
            values = people.values(part)
            person = known.get(part.email)
            if person is None:
                password = part.initial_password
                person = Person(
                    jurisdiction_id=jurisdiction.id,
                    email=part.email,
                    password_hash=hash_password(password) if password else None,
                    **values,
                )
                self.session.add(person)
                self.session.flush()
                self.journal.added("person", part.email, values, str(person.id))
            elif person.jurisdiction_id != jurisdiction.id:
                raise UnusableCityFile(f"{part.email} belongs to another jurisdiction")
            else:
                changed = assign(person, {**values, "retired_at": None})
                self.journal.changed("person", part.email, changed, str(person.id))
            before = people.teams_of(self.session, person.id)[person.id]
            if people.set_teams(self.session, person, {team_ids[code] for code in part.teams}):
                touch(person)
                change = {"teams": (before, sorted(part.teams))}
                self.journal.changed("person", part.email, change, str(person.id))
        self._retire_people(jurisdiction)

    def _retire_people(self, jurisdiction: Jurisdiction) -> None:
        gone = self.session.scalars(
            select(Person)
            .where(
                Person.jurisdiction_id == jurisdiction.id,
                Person.email.not_in([part.email for part in self.city.people]),
                Person.retired_at.is_(None),
            )
            .order_by(Person.email)
        )
        for person in gone:
            changed = assign(person, {"retired_at": self.now})
            sessions.close_all(self.session, person.id)
            self.journal.changed("person", person.email, changed, str(person.id))

    def _load_rules(self, jurisdiction: Jurisdiction) -> None:
        targets = rules.targets(self.session, jurisdiction.id, drafted=False)
        for part in self.city.rules:
            for _, unfit in targets.faults(part):
                raise UnusableCityFile(f"rules: {unfit}")
        wanted = rulesets.numbered(targets, self.city.rules)
        current = rulesets.rows_of(self.session, jurisdiction.ruleset_id)
        if jurisdiction.ruleset_id is not None and wanted == current:
            return
        ruleset = rulesets.add(self.session, jurisdiction, wanted)
        rulesets.put_in_force(jurisdiction, ruleset, self.now)
        line = f"rules: version {ruleset.number} published with {len(wanted)} rules"
        told = {"version": ruleset.number}
        self.journal.published("ruleset", str(ruleset.number), line, told)

    def _load_addresses(self, jurisdiction: Jurisdiction) -> None:
        if self.city.addresses is None:
            return
        try:
            wanted = dict(read_addresses(self.city.folder / self.city.addresses))
        except UnusableAddresses as error:
            raise UnusableCityFile(str(error)) from error
        query = select(Address.label, Address.location).where(
            Address.jurisdiction_id == jurisdiction.id
        )
        current = dict(self.session.execute(query).all())
        stale = [label for label, place in current.items() if wanted.get(label) != place]
        fresh = [label for label, place in wanted.items() if current.get(label) != place]
        if stale:
            self.session.execute(
                delete(Address).where(
                    Address.jurisdiction_id == jurisdiction.id,
                    # One array, since a statement takes no more than 65,535 values.
                    Address.label == any_(cast(stale, ARRAY(Text))),
                )
            )
        self.session.add_all(
            Address(jurisdiction_id=jurisdiction.id, label=label, location=wanted[label])
            for label in fresh
        )
        if stale or fresh:
            line = f"addresses: {len(fresh)} written, {len(stale)} removed"
            told = {"written": len(fresh), "removed": len(stale)}
            self.journal.published("addresses", jurisdiction.code, line, told)

    def _sync(
        self,
        what: str,
        owner: InstrumentedAttribute[int],
        keys: Mapping[str, int],
        wanted: Mapping[str, dict[str, Any]],
    ) -> dict[str, int]:
        """Make the rows of one owner match the wanted values by code; return code to id."""
        synced = sync(self.session, owner, keys, wanted, self.now)
        jurisdiction = self.session.get_one(Jurisdiction, keys["jurisdiction_id"])
        for one in synced:
            if one.changes is None:
                self.journal.added(what, one.code, wanted[one.code])
            else:
                self.journal.changed(what, one.code, one.changes)
                working_time.have_followed(jurisdiction, one.changes)
        return {one.code: one.row.id for one in synced if one.code in wanted}

    def _update(self, what: str, code: str, row: Base, values: Mapping[str, Any]) -> Changes:
        changes = assign(row, values)
        self.journal.changed(what, code, changes)
        return changes
