"""Synthetic faces before a camera: head, expression, pose, light and background become pixels.

The camera is weak-perspective, an affine map from head coordinates (millimeters, see
synthetic_head.py) to pixels:

    2D = camera @ [3D; 1],  camera = [scale * R[:2] | center],  R = Rz(roll) Rx(pitch) Ry(yaw)

Positive yaw turns the nose to the image's right, positive pitch lifts it, positive roll turns the
head clockwise on the image. z grows away from the viewer, in pixels like x and y, and is 0 at the
head's origin.
"""

from collections.abc import Iterable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, UInt8

from common.data import renderer
from common.data.progress import progress
from common.data.synthetic_head import head_model
from common.data.synthetic_texture import Texture, paint

# Added light is added in linear space; pixels are stored by a power law (sRGB's is near 2.2).
_GAMMA = 2.0
_BATCH = 8
# How far, in pixels, the surface may rise before a landmark that is not hidden.
_SLANT = 2.5


class Scenes(NamedTuple):
    """All that the images show, whatever their size."""

    shape: Float[np.ndarray, "images shapes"]
    """In standard deviations of the head model's fields."""
    texture: Texture
    expression: Float[np.ndarray, "images expressions"]
    """Mouth open and smile, 0 to 1; brow raise, -1 to 1."""
    pose: Float[np.ndarray, "images 3"]
    """Yaw, pitch, roll in degrees."""
    scale: Float[np.ndarray, " images"]
    """Of the camera: image heights a millimeter."""
    center: Float[np.ndarray, "images 2"]
    """(x, y) of the head's origin, in image heights from the top left corner."""
    light: Float[np.ndarray, "images 3"]
    """Unit vector toward the light; x right, y down, z away from the viewer."""
    ambient: Float[np.ndarray, " images"]
    """Share of the light that comes from everywhere, 0 to 1."""
    light_color: Float[np.ndarray, "images 3"]
    """Full light in each channel; 1 shows the paint as it is."""
    cloth: Float[np.ndarray, "images 3"]
    background: Float[np.ndarray, "images cells cells 3"]
    """Colors of a coarse grid that is blended over the image."""
    noise: Float[np.ndarray, " images"]
    """Standard deviation of the grain, as a share of white."""
    seed: Int[np.ndarray, " images"]
    """Of the grain."""


class Rendered(NamedTuple):
    """Images, and the truth about them."""

    images: UInt8[np.ndarray, "images size size 3"]
    landmarks: Float[np.ndarray, "images 68 2"]
    """(x, y) in pixels, in iBUG order: `camera @ [landmarks_3d; 1]`."""
    landmarks_3d: Float[np.ndarray, "images 68 3"]
    """In head coordinates, millimeters."""
    depth: Float[np.ndarray, "images 68"]
    """z of the landmarks in pixels: less is nearer to the viewer."""
    visible: Bool[np.ndarray, "images 68"]
    """The landmark is on the image, and no part of the head hides it."""
    camera: Float[np.ndarray, "images 2 4"]
    """Maps (x, y, z, 1) of head coordinates to pixels."""


def rotation(pose: Float[Array | np.ndarray, " 3"]) -> Float[Array, "3 3"]:
    """R = Rz(roll) Rx(pitch) Ry(yaw), of yaw, pitch and roll in degrees.

    Example:
      >>> nose = rotation(np.array([90.0, 0.0, 0.0])) @ np.array([0.0, 0.0, -1.0])
      >>> [round(float(value)) for value in nose]
      [1, 0, 0]
    """
    angles = jnp.radians(pose)
    (cy, cp, cr), (sy, sp, sr) = jnp.cos(angles), jnp.sin(angles)
    yaw = jnp.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    pitch = jnp.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    roll = jnp.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return roll @ pitch @ yaw


def frontal(scenes: Scenes) -> Scenes:
    """The same people, expressions, cameras and backgrounds, with every head facing the camera.

    The light turns with the head, so that every point of the skin keeps its color: the rendered
    scene is what an ideal frontalization of the first image would show.
    """
    turned = np.asarray(jax.vmap(rotation)(jnp.asarray(scenes.pose)))
    light = np.einsum("nij,ni->nj", turned, scenes.light)  # by R's transpose
    return scenes._replace(pose=np.zeros_like(scenes.pose), light=light.astype(np.float32))


def take(scenes: Scenes, numbers: slice | Int[np.ndarray, " k"]) -> Scenes:
    """Some of the scenes, by number."""
    return jax.tree.map(lambda values: values[numbers], scenes)


def render(scenes: Scenes, size: int = 250, *, samples: int | None = None) -> Rendered:
    """Draw the scenes, with a progress bar where there are many.

    Args:
      scenes: with a leading axis of images.
      size: height and width in pixels, at least 16.
      samples: a pixel is the mean of samples x samples; by default 1, or 2 below 128 pixels.

    Returns:
      Images and the truth about them.

    Raises:
      ValueError: the size is too small for a face.
    """
    if size < 16:
        raise ValueError(f"a face needs an image of at least 16 x 16 pixels, not {size} x {size}")
    samples = samples or (2 if size < 128 else 1)
    model = head_model()
    images = len(scenes.scale)
    # Batches of one size, the last one filled up: one compiled program, and the same pixels for
    # an image whatever is drawn beside it.
    numbers = np.arange(-(-images // _BATCH) * _BATCH).clip(max=images - 1).reshape(-1, _BATCH)
    batches = [take(scenes, some) for some in numbers]
    posed = [_pose(batch, size, samples) for batch in batches]
    sizes = [renderer.measure(fine, model.triangles, model.group_counts) for fine, _, _ in posed]
    groups = tuple(max(same) for same in zip(*sizes, strict=True))
    mesh = _Mesh(model.triangles, model.chart.astype(np.float32), model.landmark_vertices)
    drawn = []
    with progress("SYNTHETIC faces", images) as advance:
        for batch, pose in zip(batches, posed, strict=True):
            drawn.append(jax.block_until_ready(_draw(batch, *pose, mesh, size, samples, groups)))
            advance(min(_BATCH, images - len(drawn) * _BATCH + _BATCH))

    def gather(parts: Iterable[Array]) -> np.ndarray:
        return np.concatenate([np.asarray(part) for part in parts])[:images]

    # float64, so that the camera and the landmarks that are handed out agree to the last bit.
    landmarks_3d = gather(landmarks for _, landmarks, _ in posed).astype(np.float64)
    view = gather(view for _, _, view in posed).astype(np.float64)
    landmarks = landmarks_3d @ view[:, :, :3].swapaxes(1, 2) + view[:, None, :, 3]
    inside = ((landmarks[..., :2] >= -0.5) & (landmarks[..., :2] < size - 0.5)).all(axis=-1)
    return Rendered(
        images=gather(pixels for pixels, _ in drawn),
        landmarks=landmarks[..., :2],
        landmarks_3d=landmarks_3d,
        depth=landmarks[..., 2],
        visible=gather(facing for _, facing in drawn) & inside,
        camera=view[:, :2],
    )


@partial(jax.jit, static_argnames=("size", "samples"))
@partial(jax.vmap, in_axes=(0, None, None))
def _pose(scene: Scenes, size: int, samples: int) -> tuple[Array, Array, Array]:
    """Vertices in pixels of the finer image; landmarks in mm; the 3 x 4 view, camera and z."""
    model = head_model()
    head = (
        jnp.asarray(model.mean, jnp.float32)
        + jnp.tensordot(scene.shape, jnp.asarray(model.shape, jnp.float32), 1)
        + jnp.tensordot(scene.expression, jnp.asarray(model.expression, jnp.float32), 1)
    )
    # Half a pixel: the origin is the center of the top left pixel, not its corner.
    center = jnp.append(scene.center * size - 0.5, 0.0)
    view = jnp.concatenate([scene.scale * size * rotation(scene.pose), center[:, None]], axis=1)
    corners = head[model.landmark_vertices]
    landmarks = jnp.sum(corners * model.landmark_weights[..., None].astype(np.float32), axis=1)
    return _finer(head @ view[:, :3].T + view[:, 3], samples), landmarks, view


def _finer(points: Float[Array, "points 3"], samples: int) -> Float[Array, "points 3"]:
    """The same places in pixels of the image that has samples x samples for each pixel."""
    return points * samples + (samples - 1) / 2


class _Mesh(NamedTuple):
    """What `_draw` needs of the head model: an argument, since large constants compile slowly."""

    triangles: Int[Array | np.ndarray, "triangles 3"]
    chart: Float[Array | np.ndarray, "vertices 2"]
    landmark_vertices: Int[Array | np.ndarray, "68 3"]


@partial(jax.jit, static_argnames=("size", "samples", "groups"))
@partial(jax.vmap, in_axes=(0, 0, 0, 0, None, None, None, None))
def _draw(
    scene: Scenes,
    fine: Float[Array, "vertices 3"],
    landmarks_3d: Float[Array, "68 3"],
    view: Float[Array, "3 4"],
    mesh: _Mesh,
    size: int,
    samples: int,
    groups: tuple[renderer.Group, ...],
) -> tuple[UInt8[Array, "size size 3"], Bool[Array, " 68"]]:
    side = size * samples
    raster = renderer.rasterize(fine, mesh.triangles, height=side, width=side, groups=groups)
    normals = renderer.vertex_normals(fine, mesh.triangles)
    seen = renderer.interpolate(
        raster, mesh.triangles, jnp.concatenate([mesh.chart, normals], axis=1)
    )
    color = paint(seen[..., 0], seen[..., 1], scene.texture, scene.expression[0], scene.cloth)
    light = renderer.lambert(seen[..., 2:], scene.light, scene.ambient)
    head = color**_GAMMA * light[..., None] * scene.light_color
    behind = jax.image.resize(scene.background, (side, side, 3), "cubic").clip(0, 1) ** _GAMMA
    image = jnp.where((raster.triangle >= 0)[..., None], head, behind)
    image = image.reshape(size, samples, size, samples, 3).mean(axis=(1, 3)) ** (1 / _GAMMA)
    image += scene.noise * jax.random.normal(jax.random.key(scene.seed), (size, size, 1))

    landmarks = _finer(landmarks_3d @ view[:, :3].T + view[:, 3], samples)
    toward = jnp.sum(normals[mesh.landmark_vertices, 2], axis=1) < 0
    hidden = renderer.is_hidden(raster, landmarks, _SLANT * samples * size / 250)
    return jnp.round(image.clip(0, 1) * 255).astype(jnp.uint8), toward & ~hidden
