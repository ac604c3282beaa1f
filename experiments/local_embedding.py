"""DeepFace's network as FaceNet's training takes one: a face in, a point on the unit sphere out.

    f(x) = N(F7(x)) / |N(F7(x))|

N takes off the batch's mean of each unit and divides by its deviation, as before the sphere in
FaceNet's small network. F7 is not negative: without N no two embeddings are more than 90 degrees
apart, and a training with the softmax brought them all to one point. F8 is left out, since
FaceNet's training brings its own classifier, and with it dropout, which in DeepFace acts on F7 on
its way to F8 alone.
"""

from dataclasses import dataclass
from functools import partial

from flax import nnx
from jaxtyping import Array, Float

from common.layers import BatchNorm, unit_sphere
from deepface_jax.model import DeepFace
from deepface_jax.network_config import DEEPFACE_SMALL, NetworkConfig


@dataclass(frozen=True)
class LocalConfig:
    """DeepFace's layers, C1 to F7."""

    layers: NetworkConfig = DEEPFACE_SMALL

    @property
    def side(self) -> int:
        """Height and width of the input, in pixels."""
        return self.layers.side

    @property
    def embedding_size(self) -> int:
        """Units of F7."""
        return self.layers.F7


class LocalEmbedding(nnx.Module):
    """DeepFace's network up to F7, normalization, and the projection to the unit sphere."""

    def __init__(self, config: LocalConfig, *, rngs: nnx.Rngs):
        self.network = DeepFace(config.layers, rngs=rngs)
        del self.network.F8
        self.norm = BatchNorm(config.embedding_size)

    def __call__(
        self, images: Float[Array, "batch side side 3"], *, training: bool = False
    ) -> Float[Array, "batch dim"]:
        """Embed faces.

        Args:
          images: RGB, 0 to 1, of the configured side.
          training: normalize by this batch and update the running averages in place; without, it
            changes nothing.

        Returns:
          Embeddings of length 1, in float32.

        Raises:
          ValueError: images of another size.
        """
        F7 = self.network.features(images)
        return unit_sphere(self.norm(F7[:, None, None], training=training)[:, 0, 0])


@partial(nnx.jit, static_argnums=0)
def build(config: LocalConfig, rngs: nnx.Rngs) -> LocalEmbedding:
    """The network with random weights, made under jit."""
    return LocalEmbedding(config, rngs=rngs)
