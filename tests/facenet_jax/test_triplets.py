"""Mining, loss and gradient against three loops over all faces, in float64."""

from functools import cache
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from facenet_jax.mining import Mining
from facenet_jax.tally import squared_distances
from facenet_jax.triplets import triplet_loss

MARGIN = 0.4
RULES = [
    Mining("semi-hard", MARGIN),
    Mining("semi-hard", MARGIN, fallback="farthest"),
    Mining("hardest", MARGIN),
    Mining("batch-hard", MARGIN),
]
SIZES = (5, 1, 3, 1, 4, 2, 1)
BATCH = sum(SIZES)


def batch(seed, spread=1.0):
    """Faces of unequal identities in no order, nearer to their own than to others'."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(len(SIZES)) * 100 - 300, SIZES))
    centers = dict(zip(np.unique(labels), rng.standard_normal((len(SIZES), 6)), strict=True))
    z = np.array([centers[label] for label in labels])
    z = z + spread * rng.standard_normal(z.shape)
    return (z / np.linalg.norm(z, axis=1, keepdims=True)).astype(np.float32), labels


def distance(z, i, j):
    return float(((z[i].astype(np.float64) - z[j].astype(np.float64)) ** 2).sum())


def mined(z, labels, mining):
    """All triplets, by the rules' definitions; and how many pairs there were to serve."""
    faces = range(len(z))
    triplets, pairs = [], 0
    for a in faces:
        positives = [p for p in faces if p != a and labels[p] == labels[a]]
        negatives = [n for n in faces if labels[n] != labels[a]]
        if mining.rule == "batch-hard" and positives:
            positives = [max(positives, key=lambda p, a=a: distance(z, a, p))]
        pairs += len(positives)
        for p in positives:
            d_ap = distance(z, a, p)
            allowed = []
            for n in negatives:
                window = d_ap < distance(z, a, n) < d_ap + mining.margin
                if window or mining.rule in ("hardest", "batch-hard"):
                    allowed.append(n)
            if allowed:
                triplets.append((a, p, min(allowed, key=lambda n, a=a: distance(z, a, n))))
            elif negatives and mining.fallback == "farthest":
                farthest = max(negatives, key=lambda n, a=a: distance(z, a, n))
                if distance(z, a, farthest) <= d_ap:
                    triplets.append((a, p, farthest))
    return triplets, pairs


def expected(z, labels, mining):
    """Sum of the losses, its gradient, shares found and active, and the number of pairs."""
    triplets, pairs = mined(z, labels, mining)
    z = z.astype(np.float64)
    total, active, gradient = 0.0, 0, np.zeros_like(z)
    for a, p, n in triplets:
        loss = distance(z, a, p) - distance(z, a, n) + mining.margin
        if loss > 0:
            total, active = total + loss, active + 1
            gradient[a] += 2 * (z[n] - z[p])
            gradient[p] += 2 * (z[p] - z[a])
            gradient[n] += 2 * (z[a] - z[n])
    return total, gradient, len(triplets), active, pairs


@cache
def loss_and_gradient(mining, block=5):
    def loss(z, labels):
        return triplet_loss(z, labels, mining, mean="sum", block=block, key=jax.random.key(3))

    return jax.jit(jax.value_and_grad(loss, has_aux=True))


@pytest.mark.parametrize("block", [None, 5])
@pytest.mark.parametrize("mining", RULES, ids=lambda m: f"{m.rule} {m.fallback}")
def test_equals_three_loops(mining, block):
    ours = loss_and_gradient(mining, block)
    found_any = active_any = 0
    for seed in range(25):
        z, labels = batch(seed, spread=0.4 + seed / 12)
        (loss, statistics), gradient = ours(z, jnp.asarray(labels))
        total, slope, found, active, pairs = expected(z, labels, mining)
        assert float(loss) == pytest.approx(total, rel=1e-5, abs=1e-5)
        np.testing.assert_allclose(gradient, slope, atol=1e-5)
        assert float(statistics.pairs) == pairs
        assert float(statistics.found) == pytest.approx(found / pairs)
        assert float(statistics.active) == pytest.approx(active / pairs)
        found_any, active_any = found_any + found, active_any + active
    assert found_any > 100 and active_any > 100  # the comparison was of something


def test_statistics_are_means_over_all_pairs():
    z, labels = batch(0)
    (_, statistics), _ = loss_and_gradient(RULES[0])(z, jnp.asarray(labels))
    same, different = [], []
    for i, j in product(range(BATCH), repeat=2):
        if i != j:
            (same if labels[i] == labels[j] else different).append(distance(z, i, j))
    assert float(statistics.d_ap) == pytest.approx(np.mean(same), rel=1e-5)
    assert float(statistics.d_an) == pytest.approx(np.mean(different), rel=1e-5)
    around = ((z - z.mean(0)) ** 2).sum(1).mean()
    assert float(statistics.spread) == pytest.approx(around, rel=1e-5)


def test_means_divide_the_same_sum():
    z, labels = batch(3)
    total, _, _, active, pairs = expected(z, labels, RULES[0])
    assert 1 < active < pairs
    for mean, divisor in (("pairs", pairs), ("triplets", active)):
        loss, _ = triplet_loss(z, labels, RULES[0], mean=mean)
        assert float(loss) == pytest.approx(total / divisor, rel=1e-5)


def test_gradient_against_finite_differences():
    z, labels = batch(2)

    def loss(z):
        return triplet_loss(jnp.asarray(z), labels, RULES[0], mean="sum", block=None)[0]

    check_grads(loss, (z,), order=1, atol=0.03, rtol=0.03, eps=2e-4)


def test_random_rule_draws_every_semi_hard_negative_alike():
    # The anchor 0 with its positive 1 has three semi-hard negatives; nobody else has a pair.
    angles = np.radians([0, 20, 30, -35, 38, 60, -10])
    z = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    labels = np.array([8, 8, 1, 2, 3, 4, 5])
    mining = Mining("random-in-window", margin=0.35)
    window = [
        n for n in range(2, 7)
        if distance(z, 0, 1) < distance(z, 0, n) < distance(z, 0, 1) + mining.margin
    ]  # fmt: skip
    assert window == [2, 3, 4]

    @jax.jit
    @jax.vmap
    def weight(key):
        """Gradient of the anchor's triplets alone: minus 1 at the distance to the negative."""
        gradient = jax.grad(lambda z: triplet_loss(z, labels, mining, mean="sum", key=key)[0])(z)
        return gradient[2:]

    moved = np.asarray(weight(jax.random.split(jax.random.key(0), 600)))
    # Of the two anchors' negatives, count what anchor 0 pushes away: 2 (z_0 - z_n).
    counts = np.zeros(5)
    for gradient in moved:
        for n in range(5):
            pushed = 2 * (z[0] - z[n + 2])
            also = 2 * (z[1] - z[n + 2])
            off = gradient[n] - pushed
            if min(np.abs(off).max(), np.abs(off - also).max()) < 1e-4:
                counts[n] += 1
    assert counts[3] == counts[4] == 0
    assert counts.sum() == 600
    assert np.abs(counts[:3] - 200).max() < 45


@pytest.mark.parametrize("rule", ["semi-hard", "random-in-window"])
def test_blocks_do_not_change_what_is_chosen(rule):
    z, labels = batch(5)
    mining = Mining(rule, MARGIN)
    (whole, _), gradient = loss_and_gradient(mining, None)(z, jnp.asarray(labels))
    for block in (1, 256) if rule == "semi-hard" else (6,):
        (loss, _), ours = loss_and_gradient(mining, block)(z, jnp.asarray(labels))
        assert float(loss) == pytest.approx(float(whole), rel=1e-5)
        np.testing.assert_allclose(ours, gradient, atol=1e-6)


def test_order_and_rotation_do_not_matter():
    z, labels = batch(2)
    ours = loss_and_gradient(RULES[0])
    (loss, _), gradient = ours(z, jnp.asarray(labels))
    order = np.random.default_rng(0).permutation(BATCH)
    (moved, _), moved_gradient = ours(z[order], jnp.asarray(labels[order]))
    assert float(moved) == pytest.approx(float(loss), rel=1e-5)
    np.testing.assert_allclose(moved_gradient, np.asarray(gradient)[order], atol=1e-6)
    turn = np.linalg.qr(np.random.default_rng(1).standard_normal((6, 6)))[0].astype(np.float32)
    (turned, _), turned_gradient = ours(z @ turn, jnp.asarray(labels))
    assert float(turned) == pytest.approx(float(loss), rel=1e-4)
    np.testing.assert_allclose(turned_gradient, np.asarray(gradient) @ turn, atol=1e-5)


@pytest.mark.parametrize("mining", RULES, ids=lambda m: f"{m.rule} {m.fallback}")
@pytest.mark.parametrize("labels", [np.zeros(BATCH, np.int32), np.arange(BATCH)])
def test_nothing_to_learn_gives_zero(mining, labels):
    (loss, statistics), gradient = loss_and_gradient(mining)(batch(0)[0], jnp.asarray(labels))
    assert float(loss) == 0 and float(statistics.found) == float(statistics.active) == 0
    np.testing.assert_array_equal(gradient, 0)
    assert all(np.isfinite(value) for value in statistics)


def test_large_numpy_labels_stay_apart():
    z, labels = batch(0)
    loss, _ = triplet_loss(z, labels, RULES[0])
    far = labels.astype(np.int64) * 2**33  # alike in their lower 32 bits
    assert float(triplet_loss(z, far, RULES[0])[0]) == float(loss) > 0


@pytest.mark.parametrize(("mining", "dim"), [(RULES[0], 512), (RULES[0], 6), (RULES[1], 6)])
def test_coincident_embeddings_have_gradient_zero(mining, dim):
    rng = np.random.default_rng(0)
    point = rng.standard_normal(dim)
    z = np.tile((point / np.linalg.norm(point)).astype(np.float32), (BATCH, 1))
    (loss, statistics), gradient = loss_and_gradient(mining)(z, jnp.asarray(batch(0)[1]))
    assert np.isfinite(float(loss)) and float(statistics.spread) < 1e-6
    np.testing.assert_array_equal(gradient, 0)


def test_duplicate_images_are_at_distance_zero():
    z, labels = batch(0)
    z[3] = z[11]
    d = np.asarray(squared_distances(jnp.asarray(z), jnp.asarray(z)))
    assert d[3, 11] == d[11, 3] == 0 and (np.diag(d) == 0).all()
    assert (d >= 0).all() and (d > 0).sum() == BATCH * BATCH - BATCH - 2
    gradient = jax.grad(lambda z: squared_distances(z, z)[3, 11])(jnp.asarray(z))
    np.testing.assert_array_equal(gradient, 0)
    (loss, _), gradient = loss_and_gradient(RULES[0])(z, jnp.asarray(labels))
    assert np.isfinite(float(loss)) and np.isfinite(gradient).all()


def test_near_points_keep_their_distance_and_gradient():
    rng = np.random.default_rng(0)
    z = rng.standard_normal((1, 64))
    z = np.concatenate([z, z + 0.01 * rng.standard_normal((6, 64))])
    z = (z / np.linalg.norm(z, axis=1, keepdims=True)).astype(np.float32)
    d = np.asarray(squared_distances(jnp.asarray(z), jnp.asarray(z)))
    true = ((z[:, None].astype(np.float64) - z) ** 2).sum(-1)
    np.testing.assert_allclose(d, true, atol=1e-6)


@pytest.mark.parametrize("block", [None, 5])
def test_embeddings_that_are_not_finite_show_in_the_loss(block):
    z, labels = batch(0)
    z[4, 1] = np.nan
    for mining in RULES:
        (loss, statistics), _ = loss_and_gradient(mining, block)(z, jnp.asarray(labels))
        assert np.isnan(loss) and np.isnan(statistics.spread)


def test_low_precision_is_computed_in_float32():
    z, labels = batch(0)
    rounded = jnp.asarray(z, jnp.bfloat16)
    loss, _ = triplet_loss(rounded, labels)
    assert loss.dtype == jnp.float32
    assert float(loss) == float(triplet_loss(rounded.astype(jnp.float32), labels)[0])


def test_blocks_need_little_memory():
    z, labels = jnp.zeros((2048, 16)), jnp.arange(2048) // 4

    def temporary(block):
        low = {"xla_backend_optimization_level": 0}  # compiles sooner, with the same buffers
        program = loss_and_gradient(Mining(), block).lower(z, labels).compile(low)
        return program.memory_analysis().temp_size_in_bytes

    assert temporary(64) < temporary(None) / 8
    assert temporary(64) < 8 * 64 * 2048 * 4


def test_bad_arguments_are_refused():
    z, labels = batch(0)
    with pytest.raises(ValueError, match="at least one"):
        triplet_loss(z[:0], labels[:0])
    with pytest.raises(ValueError, match="give it a key"):
        triplet_loss(z, labels, Mining("random-in-window"))
    with pytest.raises(ValueError, match="blocks of 0"):
        triplet_loss(z, labels, block=0)
    with pytest.raises(ValueError, match="margin is 0"):
        Mining(margin=0.0)
