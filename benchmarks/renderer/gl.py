"""Draws a building and posed people with OpenGL on EGL, in software where there is no GPU.

The building is drawn once per camera. A frame copies that picture and its depth, then draws only
shadows and people over it, and a second, cheap pass that says which pixel belongs to whom.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import moderngl
import numpy as np
import shapely

from . import shaders
from .view import NEAR_M, View, to_picture, touched, view_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .building import Building
    from .lens import Camera
    from .meshes import Mesh
    from .pose import Actor, Posed
    from .scene import StaticScene
    from .style import Style

    Array = NDArray[np.float64]
    Picture = NDArray[np.float32]
    Mask = NDArray[np.uint8]
    Programs = dict[str, Any]

EGL: dict[str, Any] = {"backend": "egl"}
SKY = 2.2
WEAPON_FLAG = 128
BODY_RADIUS_M = 0.75
BODY_TOP_M = 2.1


@dataclass(slots=True)
class _Plate:
    """What is kept per camera: the building's picture and depth, on the GPU and here."""

    view: View
    shown: moderngl.Framebuffer
    picture: Picture


class _Drawable:
    """One actor's buffers; positions are rewritten once per frame."""

    def __init__(self, context: moderngl.Context, programs: Programs, rest: Mesh) -> None:
        count = len(rest.vertices_m)
        fixed = np.concatenate([rest.rgb, rest.material[:, None], rest.vertices_m], axis=1)
        self.moving = context.buffer(reserve=count * 24, dynamic=True)
        fixed_buffer = context.buffer(fixed.astype("f4").tobytes())
        index = context.buffer(rest.faces.astype("i4").tobytes())
        self.body = context.vertex_array(
            programs["body"],
            [(self.moving, "3f 3f", "p", "n"), (fixed_buffer, "3f 1f 3f", "c", "m", "r")],
            index,
        )
        self.mask = context.vertex_array(programs["mask"], [(self.moving, "3f 12x", "p")], index)
        self._owned = (self.body, self.mask, index, fixed_buffer, self.moving)

    def release(self) -> None:
        for item in self._owned:
            item.release()

    def write(self, vertices: Array, normals: Array) -> None:
        self.moving.write(np.concatenate([vertices, normals], axis=1).astype("f4").tobytes())


def _mesh_normals(mesh: Mesh) -> Array:
    a, b, c = (mesh.vertices_m[mesh.faces[:, k]] for k in range(3))
    flat = np.cross(b - a, c - a)
    total = np.zeros_like(mesh.vertices_m)
    for k in range(3):
        np.add.at(total, mesh.faces[:, k], flat)
    length = np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)
    return np.asarray(total / length, dtype=float)


class Studio:
    """Renders pictures of one building with one style.

    Raises:
        RuntimeError: no EGL context could be made (see the README for the system libraries).
    """

    def __init__(self, building: Building, scene: StaticScene, style: Style) -> None:
        try:
            self.context = moderngl.create_context(standalone=True, **EGL)
        except Exception as error:
            raise RuntimeError(
                "no OpenGL over EGL here; on Debian: apt-get install libegl1 libegl-mesa0 "
                "libgl1-mesa-dri libgl1"
            ) from error
        self.building, self.scene, self.style = building, scene, style
        self._walls = building.walls()
        shapely.prepare(self._walls)
        self._programs: Programs = {}
        for name in shaders.DEFINES:
            vertex, fragment = shaders.program(name)
            self._programs[name] = self.context.program(
                vertex_shader=vertex, fragment_shader=fragment
            )
        static = self.context.buffer(scene.vertices.tobytes())
        self._place = self.context.vertex_array(
            self._programs["place"], [(static, "3f 3f 3f 1f 1f", "p", "n", "c", "m", "g")]
        )
        corners = np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]], dtype="f4")
        self._floor_patch = self.context.vertex_array(
            self._programs["shadow"], [(self.context.buffer(corners.tobytes()), "2f", "corner")]
        )
        self._plates: dict[str, _Plate] = {}
        self._drawables: dict[tuple[int, str], _Drawable] = {}
        self._targets: dict[tuple[int, int], tuple[moderngl.Framebuffer, moderngl.Framebuffer]] = {}
        self._set_light()

    def close(self) -> None:
        """Give the GL context back."""
        self.context.release()

    def _set_light(self) -> None:
        style, lamps = self.style, self.scene.lamps[: shaders.MAX_LAMPS]
        place = self._programs["place"]
        table = np.zeros((shaders.MAX_LAMPS, 4), dtype="f4")
        table[: len(lamps)] = lamps[:, :4]
        power = np.zeros(shaders.MAX_LAMPS, dtype="f4")
        power[: len(lamps)] = lamps[:, 4]
        place["lamp"].write(table.tobytes())
        place["power"].write(power.tobytes())
        place["lamps"] = len(lamps)
        for name, value in (
            ("lamp_rgb", style.lamp_rgb), ("ambient", style.ambient), ("daylight", style.daylight),
            ("wainscot", style.wainscot), ("stripe", style.stripe), ("ceiling", style.ceiling_m),
            ("grain", float(style.seed % 97) * 1.37),
        ):  # fmt: skip
            place[name] = value
        for name in ("body",):
            self._programs[name]["lamp_rgb"] = style.lamp_rgb
            self._programs[name]["ambient"] = style.ambient
        self._programs["shadow"]["ambient"] = style.ambient

    def _buffer(self, size: tuple[int, int]) -> moderngl.Framebuffer:
        """A picture (float) and a mask (bytes) with one depth buffer."""
        gl = self.context
        layers = [gl.renderbuffer(size, 4, dtype="f2"), gl.renderbuffer(size, 4)]
        return gl.framebuffer(layers, gl.depth_renderbuffer(size))

    def _target(self, size: tuple[int, int]) -> tuple[moderngl.Framebuffer, moderngl.Framebuffer]:
        """Work buffers of one size: picture with mask, and the mask of one body alone."""
        if size not in self._targets:
            gl = self.context
            alone = gl.framebuffer([gl.renderbuffer(size, 4)], gl.depth_renderbuffer(size))
            self._targets[size] = self._buffer(size), alone
        return self._targets[size]

    def plate(self, camera: Camera) -> _Plate:
        """The empty building as a camera sees it, drawn on first use.

        Its colours are multisampled; people are drawn over them without, the lens blurs their
        edges.
        """
        if camera.id not in self._plates:
            view, gl = view_of(camera), self.context
            size = view.size_px
            fine = gl.framebuffer(
                [gl.renderbuffer(size, 4, samples=4, dtype="f2")],
                gl.depth_renderbuffer(size, samples=4),
            )
            gl.enable(moderngl.DEPTH_TEST)
            gl.disable(moderngl.CULL_FACE)
            self._programs["place"]["view"].write(view.view.T.astype("f4").tobytes())
            self._programs["place"]["eye"] = tuple(camera.centre_m)
            shown = self._buffer(size)
            for target in (shown, fine):
                target.use()
                target.clear(SKY * 0.8, SKY * 0.9, SKY, 1.0)
                self._place.render()
            colour = gl.framebuffer([gl.renderbuffer(size, 4, dtype="f2")])
            gl.copy_framebuffer(colour, fine)
            picture = _read(colour, (0, 0, *size))
            for buffer in (fine, colour):
                buffer.release()
            self._plates[camera.id] = _Plate(view, shown, picture)
        return self._plates[camera.id]

    def in_view(self, camera: Camera, xy_m: Array) -> bool:
        """Whether a body at `xy_m` (2,) may show in a picture: in the frustum, not behind walls."""
        view = self.plate(camera).view
        x, y = xy_m
        r = BODY_RADIUS_M
        corners = np.array(
            [[x + dx, y + dy, z] for dx in (-r, r) for dy in (-r, r) for z in (0, BODY_TOP_M)]
        )
        local = corners @ camera.rotation.T + camera.translation_m
        ahead = local[local[:, 2] > NEAR_M]
        if not len(ahead):
            return False
        plane = ahead[:, :2] / ahead[:, 2:]
        half = np.array(view.half)
        if (
            len(ahead) == len(local)
            and ((plane > half).all(axis=0) | (plane < -half).all(axis=0)).any()
        ):
            return False
        eye = camera.centre_m[:2]
        way = np.array([x, y]) - eye
        aside = np.array([-way[1], way[0]]) / max(float(np.linalg.norm(way)), 1e-6) * 0.7
        sight = shapely.linestrings(
            [[eye, np.array([x, y]) + aside * s] for s in (-1.0, -0.5, 0.0, 0.5, 1.0)]
        )
        return not bool(np.all(shapely.intersects(self._walls, sight)))

    def _drawable(self, actor: Actor, part: str) -> _Drawable:
        key = (id(actor), part)
        if key not in self._drawables:
            mesh = actor.character.mesh if part == "body" else actor.prop
            if mesh is None:
                raise ValueError("this actor carries nothing")
            self._drawables[key] = _Drawable(self.context, self._programs, mesh)
        return self._drawables[key]

    def upload(self, actors: Sequence[tuple[Actor, Posed]]) -> None:
        """Send this moment's positions to the GPU; once per frame, for all cameras."""
        for actor, body in actors:
            self._drawable(actor, "body").write(body.vertices_m, body.normals)
            if body.prop is not None:
                self._drawable(actor, "prop").write(body.prop.vertices_m, _mesh_normals(body.prop))

    def forget(self) -> None:
        """Release every actor's buffers (for scenes whose actors change from frame to frame)."""
        for drawable in self._drawables.values():
            drawable.release()
        self._drawables.clear()

    def _near_lamps(self, xy: Array) -> tuple[NDArray[np.float32], int, float]:
        unit = self.building.unit_at(xy)
        table = np.zeros((shaders.NEAR_LAMPS, 4), dtype="f4")
        if unit is None:
            return table, 0, self.style.daylight
        lamps = self.scene.lamps[self.scene.lamps[:, 3] == self.scene.groups[unit.id]]
        order = np.argsort(np.linalg.norm(lamps[:, :2] - xy, axis=1))[: shaders.NEAR_LAMPS]
        table[: len(order), :3] = lamps[order, :3]
        table[: len(order), 3] = lamps[order, 4]
        return table, len(order), 0.0

    def frame(
        self, camera: Camera, actors: Sequence[tuple[Actor, Posed]]
    ) -> tuple[Picture, tuple[int, int, int, int] | None, Mask, dict[int, int]]:
        """One undistorted picture of uploaded actors.

        Returns the linear picture (H, W, 3), the box (x, y, w, h) that differs from the plate or
        None, the mask (H, W) with 1-based numbers of `actors` (plus 128 where it is the prop), and
        per number the pixels its silhouette would cover if nothing hid it.
        """
        plate = self.plate(camera)
        size = plate.view.size_px
        mask = np.zeros((size[1], size[0]), dtype=np.uint8)
        box = touched(plate.view, [body for _, body in actors])
        if box is None:
            return plate.picture, None, mask, {}
        shown, alone = self._target(size)
        gl, programs = self.context, self._programs
        flipped = (box[0], size[1] - box[1] - box[3], box[2], box[3])
        matrix = plate.view.view.T.astype("f4").tobytes()
        for name in ("body", "shadow", "mask"):
            programs[name]["view"].write(matrix)
        programs["body"]["eye"] = tuple(camera.centre_m)
        gl.enable(moderngl.DEPTH_TEST)
        gl.disable(moderngl.CULL_FACE)
        shown.scissor = flipped
        shown.use()
        shown.clear(0, 0, 0, 0)
        gl.copy_framebuffer(shown, plate.shown)
        self._draw_shadows(actors)
        for number, (actor, body) in enumerate(actors, start=1):
            table, count, outdoors = self._near_lamps(body.pelvis_xy_m)
            programs["body"]["lamp"].write(table.tobytes())
            programs["body"]["lamps"] = count
            programs["body"]["outdoors"] = outdoors
            for part in self._parts(body):
                programs["body"]["number"] = float(number + WEAPON_FLAG * (part == "prop"))
                self._drawable(actor, part).body.render()
        drawn = _read(shown, flipped)
        rows, columns = slice(box[1], box[1] + box[3]), slice(box[0], box[0] + box[2])
        mask[rows, columns] = _read_mask(shown, flipped, attachment=1)
        picture = plate.picture.copy()
        picture[rows, columns] = drawn
        return picture, box, mask, self._silhouettes(actors, alone, plate.view)

    @staticmethod
    def _parts(body: Posed) -> list[str]:
        return ["body"] if body.prop is None else ["body", "prop"]

    def _draw_shadows(self, actors: Sequence[tuple[Actor, Posed]]) -> None:
        gl, program = self.context, self._programs["shadow"]
        gl.enable(moderngl.BLEND)
        gl.blend_func = moderngl.DST_COLOR, moderngl.ZERO
        for _, body in actors:
            table, count, outdoors = self._near_lamps(body.pelvis_xy_m)
            if outdoors > 0 or count == 0:
                continue
            program["lamp"].write(table.tobytes())
            program["lamps"] = min(count, shaders.SHADOW_LAMPS)
            program["from"].write(body.capsules[:, :4].astype("f4").tobytes())
            program["to"].write(body.capsules[:, 4:].astype("f4").tobytes())
            program["centre"] = tuple(body.pelvis_xy_m)
            self._floor_patch.render(moderngl.TRIANGLE_STRIP)
        gl.disable(moderngl.BLEND)

    def _silhouettes(
        self,
        actors: Sequence[tuple[Actor, Posed]],
        alone: moderngl.Framebuffer,
        view: View,
    ) -> dict[int, int]:
        """Picture pixels of every body and prop drawn by itself."""
        out: dict[int, int] = {}
        alone.use()
        self.context.enable(moderngl.CULL_FACE)
        for number, (actor, body) in enumerate(actors, start=1):
            box = touched(view, [body], margin_m=0.0)
            for part in self._parts(body):
                key = number + WEAPON_FLAG * (part == "prop")
                out[key] = 0
                if box is None:
                    continue
                flipped = (box[0], view.size_px[1] - box[1] - box[3], box[2], box[3])
                alone.scissor = flipped
                alone.use()
                alone.clear(0, 0, 0, 0)
                self._programs["mask"]["number"] = 1.0
                self._drawable(actor, part).mask.render()
                full = np.zeros(view.size_px[::-1], dtype=np.uint8)
                full[box[1] : box[1] + box[3], box[0] : box[0] + box[2]] = _read_mask(
                    alone, flipped
                )
                out[key] = int(np.count_nonzero(to_picture(view, full)))
        return out


def _read(buffer: moderngl.Framebuffer, box: tuple[int, int, int, int]) -> Picture:
    raw = buffer.read(viewport=box, components=3, dtype="f2")
    picture = np.frombuffer(raw, dtype=np.float16).reshape(box[3], box[2], 3)[::-1]
    return picture.astype(np.float32)


def _read_mask(
    buffer: moderngl.Framebuffer, box: tuple[int, int, int, int], attachment: int = 0
) -> Mask:
    raw = buffer.read(viewport=box, components=1, attachment=attachment, alignment=1)
    return np.frombuffer(raw, dtype=np.uint8).reshape(box[3], box[2])[::-1]
