"""The triplet loss: choose the triplets, then differentiate.

L = sum over triplets of [d_ap - d_an + margin]_+ ,  d the squared distance of embeddings.

Which triplets have a loss above zero is decided first, without gradient. What is left is linear in
the distances: a matrix of weights, +1 where d_ap and -1 where d_an enters, times the matrix of
distances, plus the margins. So two matrix products are the whole gradient.

Source: Schroff et al. 2015, Sec. 3.1, Eq. 3. Differs: the sum is divided by the number of
  pairs, unless switched off (docs/facenet.md).
"""

from functools import partial
from typing import Any, Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from common.types import Embeddings, Labels
from facenet_jax.mining import (
    SEMI_HARD,
    Candidates,
    Groups,
    Mining,
    choose,
    draw_lots,
    group,
    slots,
)

Mean: TypeAlias = Literal["pairs", "triplets", "sum"]
"""What the sum is divided by: the anchor-positive pairs, which mining does not move, so that
gradients shrink as fewer triplets are left (anchors with a positive, for batch-hard); the triplets
whose loss is above zero; or nothing, as the paper prints it."""


class Statistics(NamedTuple):
    """What to watch at each step; without gradient."""

    found: Float[Array, ""]
    """Share of the pairs for which the rule found a negative: a semi-hard one, where it wants
    such."""
    active: Float[Array, ""]
    """Share of the pairs whose triplet has a loss above zero."""
    pairs: Float[Array, ""]
    """Anchor-positive pairs, in both orders; anchors with a positive, for batch-hard."""
    d_ap: Float[Array, ""]
    """Mean squared distance over all pairs of faces of one identity; 0 if there are none."""
    d_an: Float[Array, ""]
    """The same, of two identities."""
    spread: Float[Array, ""]
    """Mean squared distance of the embeddings from their mean: near 1 on the whole sphere, 0 when
    all have collapsed into one point."""


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


def triplet_loss(
    embeddings: Embeddings,
    labels: Labels,
    mining: Mining = SEMI_HARD,
    *,
    mean: Mean = "pairs",
    block: int | None = 256,
    key: PRNGKeyArray | None = None,
) -> tuple[Float[Array, ""], Statistics]:
    """The loss of a batch and what to watch.

    A batch of one identity, or of none twice, has loss 0 and gradient 0; so have embeddings that
    all coincide, under a rule with a window and no fallback. Embeddings that are not finite make
    the loss NaN.

    Args:
      embeddings: rows on the unit sphere, each both anchor and, for others, positive or negative.
      labels: any integers; any number of faces an identity.
      mining: which triplets.
      mean: what the sum is divided by.
      block: anchors at a time: memory is block x batch, and the gradient is made together with the
        loss. None for all at once: memory is batch x batch, and nothing stands between the formula
        and its gradient.
      key: for `random-in-window`, which needs one.

    Raises:
      ValueError: embeddings and labels that do not match, blocks below 1, or a key that is lacking.

    Example:
      >>> z = jnp.array([[1.0, 0.0], [0.96, 0.28], [0.936, -0.352]])
      >>> loss, statistics = triplet_loss(z, jnp.array([7, 7, 3]))
      >>> round(float(loss), 3), float(statistics.found)  # (0.08 - 0.128 + 0.2) / 2 pairs
      (0.076, 0.5)
    """
    z, labels, key = prepared(embeddings, labels, mining, key)
    return _triplet_loss(z, labels, key, mining, mean, block)


@partial(jax.jit, static_argnums=(3, 4, 5))
def _triplet_loss(
    z: Float[Array, "batch dim"],
    labels: Int[Array, " batch"],
    key: PRNGKeyArray,
    mining: Mining,
    mean: Mean,
    block: int | None,
) -> tuple[Float[Array, ""], Statistics]:
    tally = tally_anchors(z, labels, jnp.arange(len(z)), mining, key, block=block)
    return summarize(tally, mean)


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


def summarize(tally: Tally, mean: Mean) -> tuple[Float[Array, ""], Statistics]:
    """Loss and statistics of the sums over a whole batch."""
    divisor = {"pairs": tally.pairs, "triplets": tally.active, "sum": jnp.ones(())}[mean]
    loss = tally.loss / jnp.maximum(divisor, 1)
    tally = jax.lax.stop_gradient(tally)
    pairs = jnp.maximum(tally.pairs, 1)
    center = tally.embeddings / tally.anchors
    return loss, Statistics(
        found=tally.found / pairs,
        active=tally.active / pairs,
        pairs=tally.pairs,
        d_ap=tally.d_ap / jnp.maximum(tally.positives, 1),
        d_an=tally.d_an / jnp.maximum(tally.negatives, 1),
        spread=tally.squares / tally.anchors - jnp.sum(center * center),
    )


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


def prepared(
    embeddings: Embeddings, labels: Labels, mining: Mining, key: PRNGKeyArray | None
) -> tuple[Float[Array, "batch dim"], Int[Array, " batch"], PRNGKeyArray]:
    """Checked inputs as JAX arrays, at least in float32; a key that nobody needs, if none is given.

    Raises:
      ValueError: embeddings and labels that do not match, or a key that is lacking.
    """
    if len(embeddings) != len(labels) or not len(labels):
        raise ValueError(
            f"{len(embeddings)} embeddings and {len(labels)} labels; wanted as many, at least one"
        )
    if key is None:
        if mining.rule == "random-in-window":
            raise ValueError("random-in-window draws lots: give it a key, another one each step")
        key = jax.random.key(0)
    if isinstance(labels, np.ndarray):  # JAX would cut integers of 64 bits
        labels = np.unique(labels, return_inverse=True)[1].astype(np.int32)
    exact = jnp.promote_types(embeddings.dtype, jnp.float32)
    return jnp.asarray(embeddings, exact), jnp.asarray(labels), key
