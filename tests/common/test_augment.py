"""Augmentation: a switch for everything, and nothing that is not asked for."""

from dataclasses import fields

import numpy as np
import pytest

from common.augment import MODERATE, NONE, AugmentConfig, augment


def face(side=40, seed=0):
    x, y = np.meshgrid(np.arange(side), np.arange(side))
    rng = np.random.default_rng(seed)
    waves = [np.sin(x * rng.uniform(0.1, 0.3) + y * rng.uniform(0.1, 0.3)) for _ in range(3)]
    return (127 + 90 * np.stack(waves, -1)).astype(np.uint8)


def test_none_changes_nothing():
    np.testing.assert_array_equal(augment(face(), NONE, np.random.default_rng(0)), face())


@pytest.mark.parametrize("config", [MODERATE, NONE])
def test_input_stays_and_the_seed_decides(config):
    image = face()
    one = augment(image, config, np.random.default_rng(3))
    np.testing.assert_array_equal(image, face())
    np.testing.assert_array_equal(one, augment(image, config, np.random.default_rng(3)))
    assert one.shape == image.shape and one.dtype == np.uint8


@pytest.mark.parametrize("name", [f.name for f in fields(AugmentConfig)])
def test_every_switch_does_something(name):
    amount = {"mirror": True, "roll_degrees": 10.0}.get(name, 1.0 if name in
              ("grey", "blur", "erase") else 0.2)  # fmt: skip
    config = AugmentConfig(**{name: amount})
    made = [augment(face(), config, np.random.default_rng(seed)) for seed in range(8)]
    assert any((one != face()).any() for one in made)


def test_mirror_is_exact_and_half_of_the_time():
    config, rng = AugmentConfig(mirror=True), np.random.default_rng(0)
    mirrored = 0
    for _ in range(200):
        one = augment(face(), config, rng)
        if (one == face()).all():
            continue
        np.testing.assert_array_equal(one, face()[:, ::-1])
        mirrored += 1
    assert 70 < mirrored < 130


def test_shift_moves_and_keeps_the_mean_place():
    """A bright dot's position over many draws: centered, with the standard deviation asked for."""
    image = np.zeros((64, 64, 3), np.uint8)
    image[30:34, 30:34] = 255  # centered at 31.5
    rng, places = np.random.default_rng(1), []
    for _ in range(400):
        weight = augment(image, AugmentConfig(shift=0.05), rng)[..., 0].astype(float)
        y, x = np.indices(weight.shape)
        places.append([(weight * x).sum() / weight.sum(), (weight * y).sum() / weight.sum()])
    np.testing.assert_allclose(np.mean(places, axis=0), 31.5, atol=0.6)
    np.testing.assert_allclose(np.std(places, axis=0), 0.88 * 0.05 * 64, rtol=0.15)  # cut at 2


def test_grey_has_one_value_a_pixel():
    one = augment(face(), AugmentConfig(grey=1.0), np.random.default_rng(0))
    assert (one == one[..., :1]).all() and one.std() > 10
