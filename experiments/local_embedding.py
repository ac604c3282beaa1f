"""DeepFace's network as FaceNet's training takes one: a face in, a point on the unit sphere out.

    f(x) = F7(x) / |F7(x)|

F8 is left out, since FaceNet's training brings its own classifier, and with it dropout, which in
DeepFace acts on F7 on its way to F8 alone. F7 is not negative: no two embeddings are more than 90
degrees apart, so squared distances are 0 to 2 (FaceNet's: 0 to 4).
"""

from dataclasses import dataclass
from functools import partial

from flax import nnx
from jaxtyping import Array, Float

from common.layers import unit_sphere
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
    """DeepFace's network up to F7, and the projection to the unit sphere."""

    def __init__(self, config: LocalConfig, *, rngs: nnx.Rngs):
        self.network = DeepFace(config.layers, rngs=rngs)
        del self.network.F8

    def __call__(
        self, images: Float[Array, "batch side side 3"], *, training: bool = False
    ) -> Float[Array, "batch dim"]:
        """Embed faces.

        Args:
          images: RGB, 0 to 1, of the configured side.
          training: as FaceNet's networks have it; nothing here depends on it.

        Returns:
          Embeddings of length 1, in float32.

        Raises:
          ValueError: images of another size.
        """
        return unit_sphere(self.network.features(images))


@partial(nnx.jit, static_argnums=0)
def build(config: LocalConfig, rngs: nnx.Rngs) -> LocalEmbedding:
    """The network with random weights, made under jit."""
    return LocalEmbedding(config, rngs=rngs)
