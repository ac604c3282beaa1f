"""Frontalization of synthetic heads, whose true cameras and frontal views are known.

With the heads' own mean as 3D reference, so that the method is tested; and with the generic face,
whose shape comes from photographs, so that what is shipped is tested: their mean shape differs
from that of the drawn heads, which is no fault of either.
"""

from dataclasses import replace
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial import Delaunay

from common.data.synthetic_head import head_model
from common.data.synthetic_people import random_identities, random_scenes
from common.data.synthetic_scene import frontal, render, rotation, take
from common.geometry import pixel_grid
from common.images import to_float
from deepface_jax.config import PAPER
from deepface_jax.face_model import ERRORS_FILE, assemble, generic_face
from deepface_jax.frontalize import frontalize_batch
from deepface_jax.visibility import viewing_direction

YAWS, PITCHES = (-60, -40, -20, 20, 40, 60), (-30, 0, 15, 30)


@cache
def heads():
    """One person a pitch, at all yaws; poses, pictures, and frontal pictures."""
    rng = np.random.default_rng(5)
    first = np.repeat(np.arange(len(PITCHES)), len(YAWS))
    scenes = take(random_scenes(random_identities(4, rng), np.arange(4), rng), first)
    pose = np.zeros((len(first), 3), np.float32)
    pose[:, 0], pose[:, 1] = np.tile(YAWS, len(PITCHES)), np.repeat(PITCHES, len(YAWS))
    scenes = scenes._replace(pose=pose)
    return pose, render(scenes, 200), render(frontal(scenes), 200)


@cache
def reference_face(name):
    if name == "generic":
        return generic_face()
    model = head_model()
    corners = model.mean[model.landmark_vertices]
    return assemble((corners * model.landmark_weights[..., None]).sum(axis=1))


@cache
def aligned(name, which, **changes):
    rendered = heads()[which]
    faces, points = to_float(rendered.images), rendered.landmarks.astype(np.float32)
    return frontalize_batch(faces, points, reference_face(name), replace(PAPER, **changes))


def psnr(images, truth, masks):
    """Over the pixels of each face; one row a pitch, one column a yaw."""
    errors = (np.asarray(images) - truth) ** 2
    of_faces = [error[mask].mean() for error, mask in zip(errors, masks, strict=True)]
    return -10 * np.log10(of_faces).reshape(len(PITCHES), len(YAWS))


def truth_and_masks(name):
    truth = np.asarray(aligned(name, 2, stage="2d").image)
    targets = np.asarray(aligned(name, 2).target)[:, :67]
    grid = pixel_grid(PAPER.size, PAPER.size)
    return truth, [Delaunay(target).find_simplex(grid) >= 0 for target in targets]


def degrees_off(found):
    true = np.stack([np.asarray(rotation(jnp.asarray(pose)))[2] for pose in heads()[0]])
    directions = np.asarray(jax.vmap(viewing_direction)(found.camera))
    return np.degrees(np.arccos(np.sum(directions * true, axis=1).clip(-1, 1)))


@pytest.mark.parametrize(("name", "degrees"), [("heads' own", 3.0), ("generic", 5.0)])
def test_the_cameras_direction(name, degrees):
    assert np.median(degrees_off(aligned(name, 1))) < degrees


def test_what_links_the_fiducials_errors_would_lead_the_camera_astray():
    with np.load(ERRORS_FILE, allow_pickle=False) as file:
        measured = file["covariance"].astype(np.float64)
    # A little on the diagonal, for a float32 Cholesky factor.
    linked = measured + 0.01 * np.diag(measured).mean() * np.eye(len(measured))
    rendered = heads()[1]
    faces, points = to_float(rendered.images), rendered.landmarks.astype(np.float32)
    off = degrees_off(frontalize_batch(faces, points, assemble(generic_face().landmarks, linked)))
    assert np.median(off) > 1.5 * np.median(degrees_off(aligned("generic", 1)))


@pytest.mark.parametrize("name", ["heads' own", "generic"])
def test_frontalized_is_nearer_to_the_frontal_view_than_2d_at_every_yaw(name):
    truth, masks = truth_and_masks(name)
    whole = aligned(name, 1)
    assert (np.asarray(whole.status) == 0).all()
    gain = psnr(whole.image, truth, masks) - psnr(aligned(name, 1, stage="2d").image, truth, masks)
    assert (gain.mean(axis=0) > 0.5).all()
    assert (gain > 0).mean() > 0.7  # of single faces: a background like the skin flatters 2D


def test_the_residual_brings_the_face_nearer_to_its_own_frontal_view():
    truth, masks = truth_and_masks("generic")
    with_residual = psnr(aligned("generic", 1).image, truth, masks)
    without = psnr(aligned("generic", 1, residual=False).image, truth, masks)
    assert (with_residual - without).mean() > 0.2
