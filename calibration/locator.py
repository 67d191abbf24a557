"""The locator: floor positions in, the published answer out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .answer import Answer
from .camera_views import CameraViews
from .entrances import EntranceRoutes
from .fusion import Fusion
from .last_seen import rank_subjects
from .said import Said
from .search import SearchMaps
from .search_picture import SearchPicture, search_picture
from .wording import answer_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .answer import EntranceOption, StageTimes, TrackKey
    from .camera_loading import Camera
    from .clock_offsets import ClockOffset
    from .floor_plan import FloorPlan
    from .inputs import OperatorInput
    from .positions import FloorPositions
    from .search_ground import SearchGround
    from .site import Site
    from .subject import SubjectState


class Locator:
    """Follows subjects and answers where the most likely intruder is and which door is closest.

    The answer is a deterministic function of the positions consumed and of what was told, in their
    order, and of the moments asked for, in that order too: asking brings the search maps of
    subjects out of view to that moment, with the looks that have come by then.

    Args:
        plan: floor plan.
        routes: walking distances from the entrances of the same plan.
        cameras: the cameras whose empty pictures say where nobody is; without them a subject out of
            view may be anywhere that it can have walked to.
        camera_names: names to call cameras by, by camera id.
        x_axis_bearing_deg: compass bearing of the plan's x axis, clockwise from true north.
        ground: what the search maps stand on, where it is made elsewhere.
    """

    def __init__(
        self,
        plan: FloorPlan,
        routes: EntranceRoutes,
        *,
        cameras: Iterable[Camera] = (),
        camera_names: Mapping[str, str] | None = None,
        x_axis_bearing_deg: float = 90.0,
        ground: Callable[[], SearchGround] | None = None,
    ) -> None:
        self._plan = plan
        self._routes = routes
        self._camera_names = dict(camera_names or {})
        self._x_axis_bearing_deg = x_axis_bearing_deg
        known = tuple(cameras)
        self._search = SearchMaps(plan, known, ground=ground)
        self._fusion = Fusion(
            routes.walks.walk_m,
            views=CameraViews(known, self._search) if known else None,
            densities_m2=self._search.densities_m2,
        )
        self._said = Said(plan, routes)
        self._level_names = {level.id: level.name for level in plan.levels}
        self._times: StageTimes | None = None

    @classmethod
    def for_site(
        cls,
        site: Site,
        routes: EntranceRoutes | None = None,
        *,
        ground: Callable[[], SearchGround] | None = None,
    ) -> Locator:
        """A locator that speaks of the site's cameras and directions by their names.

        Args:
            site: the site.
            routes: walking distances of its plan, where they are known already.
            ground: gives what its search maps stand on, where it is made elsewhere.
        """
        return cls(
            site.plan,
            routes or EntranceRoutes(site.plan),
            cameras=site.cameras.values(),
            camera_names={camera.id: camera.name for camera in site.cameras.values()},
            x_axis_bearing_deg=site.anchor.x_axis_bearing_deg,
            ground=ground,
        )

    @property
    def search(self) -> SearchMaps:
        """Where the subjects out of view can be, as of the newest answer."""
        return self._search

    def clock_offsets(self) -> tuple[ClockOffset, ...]:
        """How far the clocks of cameras that share floor are apart, as far as walkers tell."""
        return self._fusion.clock_offsets

    def problems(self) -> tuple[str, ...]:
        """What is wrong with the cameras by what they show together, a sentence each."""
        return tuple(
            one.sentence(self._camera_names.get(one.camera, one.camera))
            for one in self.clock_offsets()
            if one.is_sure
        )

    def prepare(self) -> None:
        """Make now what the search for unseen subjects needs: seconds on large sites.

        Else it is made for the first subject. It changes no answer.
        """
        self._search.prepare()
        self._routes.walks.prepare()

    def consume(self, positions: FloorPositions, times: StageTimes) -> None:
        """Take in one frame of one camera.

        Args:
            positions: its floor positions; frames of one camera in order of time.
            times: when each stage of that frame ended.
        """
        self._fusion.update(positions)
        if positions.tells_absence:
            self._search.look(positions.camera, positions.captured_at_s)
        self._said.look(self._fusion)
        if self._times is None or times.captured_s >= self._times.captured_s:
            self._times = times

    def tell(self, told: OperatorInput) -> None:
        """Take in what a person or another system says; the next answer has it.

        Args:
            told: a mark or its end, a unit's position, a door event, where officers come from.
        """
        self._said.take(told, self._fusion)

    def subject_of(self, track: TrackKey) -> str | None:
        """Id of the subject that a track of a camera belongs to; None where none is known."""
        return self._fusion.subject_of(track)

    def search_picture(self, subject: str) -> SearchPicture | None:
        """Where a subject that no camera sees can be, cell by cell, as the newest answer has it.

        Args:
            subject: the subject's id.
        """
        return search_picture(self._search, subject)

    def answer(self, now_s: float) -> Answer:
        """The answer for the moment `now_s`, Unix seconds.

        Entrances are given for the first subject that is ranked, even if nobody is known to be
        armed; the text says which of the two it is. They are ranked by the walk to where it was
        last seen, or, once it is out of view, to wherever it can be.
        """
        states = self._fusion.subjects(now_s)
        known = self._said.known(states, self._fusion, now_s)
        wanted = {name for name, one in known.items() if one.standing.is_followed}
        self._search.follow(states, now_s, wanted)
        areas = {state.id: self._search.area(state.id) for state in states if not state.in_view}
        ranked = rank_subjects(
            states,
            self._plan,
            now_s,
            self._camera_names,
            known=known,
            searches={subject: area for subject, area in areas.items() if area is not None},
        )
        top = ranked[0].subject if ranked and ranked[0].status == "ranked" else None
        first = next((s for s in states if s.id == top), None)
        entrances = () if first is None else self._entrances(first)
        return Answer(
            at_s=now_s,
            subjects=ranked,
            entrances=entrances,
            text=answer_text(ranked, first, entrances, self._x_axis_bearing_deg, self._level_names),
            times=self._times,
            arrival_m=self._said.arrival_m,
        )

    def _entrances(self, first: SubjectState) -> tuple[EntranceOption, ...]:
        """The doors for a subject, best first."""
        x_m, y_m = first.anchor_xy_m.tolist()
        arrival_m = self._said.arrival_m
        weights = None if first.in_view else self._search.weights(first.id)
        if weights is None:
            return self._routes.rank(first.level, (x_m, y_m), arrival_xy_m=arrival_m)
        return self._routes.rank_weighted(
            first.level, (x_m, y_m), self._search.grid, weights, arrival_xy_m=arrival_m
        )
