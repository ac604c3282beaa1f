"""The sums that the triplet loss is made of, and their gradient, a block of anchors at a time.

Which triplets have a loss above zero is decided first, without gradient. What is left is linear in
the distances: a matrix of weights, +1 where d_ap and -1 where d_an enters, times the matrix of
distances, plus the margins. So two matrix products are the whole gradient.

Source: Schroff et al. 2015, Sec. 3.1, Eq. 3. How it is summed is ours.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from facenet_jax.mining import Candidates, Groups, Mining, choose, draw_lots, group, slots


class Tally(NamedTuple):
    """Sums over anchors: those of any parts of a batch add up to the whole batch's."""

    loss: Float[Array, ""]
    pairs: Float[Array, ""]
    found: Float[Array, ""]
    active: Float[Array, ""]
    d_ap: Float[Array, ""]
    d_an: Float[Array, ""]
    positives: Float[Array, ""]
    negatives: Float[Array, ""]
    anchors: Float[Array, ""]
    embeddings: Float[Array, " dim"]
    squares: Float[Array, ""]


def squared_distances(
    a: Float[Array, "rows dim"], b: Float[Array, "columns dim"]
) -> Float[Array, "rows columns"]:
    """|a|^2 + |b|^2 - 2 a.b of every two rows.

    Below what that difference can resolve (about 1e-6 on the unit sphere), two points count as one:
    distance and gradient are exactly zero. There is no root anywhere, so no gradient is infinite.
    """
    squares = jnp.sum(a * a, axis=1)[:, None] + jnp.sum(b * b, axis=1)
    # On accelerators the default would round to fewer digits than the difference needs.
    d = squares - 2 * jnp.matmul(a, b.T, precision=jax.lax.Precision.HIGHEST)
    resolution = 4 * jnp.finfo(d.dtype).eps * squares
    return jnp.where(d <= resolution, 0.0, d)  # so written, NaN stays NaN


def tally_anchors(
    z: Float[Array, "batch dim"],
    labels: Int[Array, " batch"],
    anchors: Int[Array, " anchors"],
    mining: Mining,
    key: PRNGKeyArray,
    *,
    block: int | None = 256,
) -> Tally:
    """The sums over some of a batch's faces as anchors, and all of them as their partners.

    Args:
      z: embeddings of the whole batch.
      labels: of the whole batch.
      anchors: numbers of faces.
      mining: which triplets.
      key: for `random-in-window`.
      block: anchors at a time; None for all at once.

    Raises:
      ValueError: blocks below 1.
    """
    groups = group(labels)
    if block is None:
        return _tally(z, labels, groups, anchors, key, mining)
    if block < 1:
        raise ValueError(f"blocks of {block} anchors; wanted at least 1")
    block = min(block, len(anchors))
    lacking = -len(anchors) % block
    blocks = jnp.pad(anchors, (0, lacking), constant_values=len(z)).reshape(-1, block)
    return _tally_in_blocks(mining, z, labels, groups, blocks, key)


def _tally(
    z: Float[Array, "batch dim"],
    labels: Int[Array, " batch"],
    groups: Groups,
    anchors: Int[Array, " anchors"],
    key: PRNGKeyArray,
    mining: Mining,
) -> Tally:
    batch = len(z)
    real = anchors < batch
    own = jnp.minimum(anchors, batch - 1)
    d = squared_distances(z[own], z)
    same = labels[own][:, None] == labels
    itself = own[:, None] == jnp.arange(batch)
    positives, negatives = same & ~itself & real[:, None], ~same & real[:, None]
    fixed = jax.lax.stop_gradient(d)
    lots = draw_lots(key, own, batch) if mining.rule == "random-in-window" else None
    candidates = Candidates(anchors, fixed, jnp.where(same, jnp.inf, fixed), lots)
    weights, pairs, found, active = _weigh(candidates, groups, mining)
    rows = jnp.where(real[:, None], z[own], 0.0)
    return Tally(
        loss=jnp.sum(weights * d) + mining.margin * active,
        pairs=pairs,
        found=found,
        active=active,
        d_ap=jnp.sum(jnp.where(positives, fixed, 0.0)),
        d_an=jnp.sum(jnp.where(negatives, fixed, 0.0)),
        positives=jnp.sum(positives, dtype=d.dtype),
        negatives=jnp.sum(negatives, dtype=d.dtype),
        anchors=jnp.sum(real, dtype=d.dtype),
        embeddings=jnp.sum(rows, axis=0),
        squares=jnp.sum(rows * rows),
    )


def _weigh(
    candidates: Candidates, groups: Groups, mining: Mining
) -> tuple[Float[Array, "anchors batch"], Float[Array, ""], Float[Array, ""], Float[Array, ""]]:
    """How often each distance enters the loss, negative ones as -1; pairs, found, active."""
    d = candidates.distances
    rows = jnp.arange(len(d))

    def add(slot: Array, sums: tuple[Array, ...]) -> tuple[Array, ...]:
        weights, pairs, found, active = sums
        chosen = choose(slot, candidates, groups, mining)
        loss = d[rows, chosen.positive] - d[rows, chosen.negative] + mining.margin
        counts = (chosen.found & (loss > 0)).astype(d.dtype)
        weights = weights.at[rows, chosen.positive].add(counts)
        weights = weights.at[rows, chosen.negative].add(-counts)
        return (
            weights,
            pairs + jnp.sum(chosen.pair),
            found + jnp.sum(chosen.found),
            active + jnp.sum(counts),
        )

    nothing = jnp.zeros_like(d)
    zero = nothing[0, 0]
    return jax.lax.fori_loop(0, slots(groups, mining), add, (nothing, zero, zero, zero))


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _tally_in_blocks(
    mining: Mining,
    z: Float[Array, "batch dim"],
    labels: Int[Array, " batch"],
    groups: Groups,
    blocks: Int[Array, "blocks block"],
    key: PRNGKeyArray,
) -> Tally:
    tallies = jax.lax.map(lambda own: _tally(z, labels, groups, own, key, mining), blocks)
    return jax.tree.map(lambda part: part.sum(0), tallies)


def _forward(mining: Mining, z: Array, labels: Array, groups: Groups, blocks: Array, key: Any):
    """Tally and gradient in one pass: mined once, and no block's distances are kept."""

    def add(total: tuple[Tally, Array], own: Array) -> tuple[tuple[Tally, Array], None]:
        def loss(z: Array) -> tuple[Array, Tally]:
            tally = _tally(z, labels, groups, own, key, mining)
            return tally.loss, tally

        (_, tally), gradient = jax.value_and_grad(loss, has_aux=True)(z)
        return jax.tree.map(jnp.add, total, (tally, gradient)), None

    zero = jnp.zeros_like(z[0, 0])
    tally = Tally(*[zero] * len(Tally._fields))._replace(embeddings=jnp.zeros_like(z[0]))
    (tally, gradient), _ = jax.lax.scan(add, (tally, jnp.zeros_like(z)), blocks)
    return tally, gradient


def _backward(mining: Mining, gradient: Array, cotangent: Tally):
    """Of the sums only the loss has a gradient."""
    return cotangent.loss * gradient, None, None, None, None


_tally_in_blocks.defvjp(_forward, _backward)
