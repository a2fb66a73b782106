r"""The gradient of one batch, sampled in two ways with the same law.

``modes`` works in the eigenbasis of the feature covariance. There one sample is d + 1 standard
normals: with :math:`\varepsilon_i` the error along mode i in units of the risk, so that
:math:`P = P_\infty + \sum_i \varepsilon_i^2`,

.. math::
    r = \sum_i g_i \varepsilon_i - \sqrt{P_\infty}\, g_{d + 1}, \qquad
    \text{gradient}_i = \lambda_i g_i r,

since for Gaussian inputs the target outside the features is independent noise. ``features`` is
the literal loop: sample x, form the features, take the step. It is v times more work, and the
independent witness; and it takes inputs that are not Gaussian.

Source: Paquette et al. (2024), arXiv 2405.15074, section 1 (the model). Derived in the documents:
theory/random_features.
"""

from dataclasses import replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from solvable.models.draw import Draw
from solvable.models.modes import check_modes
from solvable.models.problem import Problem
from solvable.rules.rule import Labels
from solvable.util.types import Array, Scalar


class ModesData(NamedTuple):
    """What the ``modes`` engine needs of a model."""

    lam: Float[Array, " d"]
    start: Float[Array, " d"]
    floor: Scalar
    noise: Scalar


class FeaturesData(NamedTuple):
    """What the ``features`` engine needs of a model: everything scaled to unit inputs."""

    features: Float[Array, "v d"]
    """D^(1/2) W, or only the diagonal of D^(1/2) if the inputs are the features."""
    target: Float[Array, " v"]
    noise: Scalar


def kinds(key, B: int, labels: Labels | None):
    """A key for the rest of the sample, and extra noise and weight of each of B samples."""
    if labels is None:
        return key, 0.0, 1.0
    key, key_kind = jax.random.split(key)
    kind = jax.random.choice(key_kind, labels.noise.size, (B,), p=labels.probability)
    return key, labels.noise[kind], labels.weight[kind]


class ModesEngine:
    """The law of SGD in the eigenbasis of the features, O(d) per sample."""

    of_deviations = True
    """Whether the deviation from the target is followed, as rules that stay on the target allow."""

    def data(self, model: Problem) -> ModesData:
        """Modes one by one: the compressed sums of the theory have no law."""
        modes = check_modes(model.spectrum())
        if not (np.asarray(modes.multiplicity) == 1).all():
            listed = model if float(modes.floor) == 0 else replace(modes, floor=0.0)
            scale, target = listed.coordinates()
            return ModesData(scale**2, scale * target, modes.floor, modes.noise)
        return ModesData(modes.lam, np.sqrt(modes.weight), modes.floor, modes.noise)

    @staticmethod
    def start(data: ModesData) -> Float[Array, " d"]:
        """The errors at theta = 0."""
        return data.start

    @staticmethod
    def excess(error: Float[Array, " d"], data: ModesData) -> Scalar:
        """The excess risk of a state."""
        return data.floor + error @ error

    def normals(self, key, error, B: int, sample) -> tuple[Float[Array, "B d"], Float[Array, " B"]]:
        """Normals of B samples: along the modes, and one for all that is independent of them."""
        g = sample(key, (B, error.size + 1), error.dtype)
        return g[:, :-1], g[:, -1]

    def gradient(self, key, error, data: ModesData, B: int, sample, labels=None):
        """Gradient of half the squared error, averaged over B fresh samples, shape (d,)."""
        key, extra, weight = kinds(key, B, labels)
        g, independent = self.normals(key, error, B, sample)
        residual = g @ error - jnp.sqrt(data.floor + data.noise + extra) * independent
        residual = weight * residual
        return data.lam / B * (residual @ g)


class FeaturesEngine:
    """The literal loop over inputs x and features W'x, O(v d) per sample."""

    of_deviations = False

    @staticmethod
    def data(model: Problem) -> FeaturesData:
        """The features scaled to inputs of unit variance."""
        scale, target = model.coordinates()
        features = scale[:, None] * np.asarray(model.W) if isinstance(model, Draw) else scale
        return FeaturesData(features, scale * target, model.noise)

    @staticmethod
    def start(data: FeaturesData) -> Float[Array, " d"]:
        """theta = 0."""
        return jnp.zeros(data.features.shape[-1], data.features.dtype)

    @staticmethod
    def excess(theta: Float[Array, " d"], data: FeaturesData) -> Scalar:
        """The population risk of theta, in closed form, minus the noise."""
        predicted = data.features @ theta if data.features.ndim == 2 else data.features * theta
        return jnp.sum((predicted - data.target) ** 2)

    @staticmethod
    def gradient(key, theta, data: FeaturesData, B: int, sample, labels=None) -> Float[Array, " d"]:
        """Gradient of half the squared error, averaged over B fresh samples."""
        key, extra, weight = kinds(key, B, labels)
        key_x, key_y = jax.random.split(key)
        x = sample(key_x, (B, data.target.size), theta.dtype)
        phi = x @ data.features if data.features.ndim == 2 else x * data.features
        noise = jnp.sqrt(data.noise + extra) * jax.random.normal(key_y, (B,), theta.dtype)
        residual = weight * (phi @ theta - (x @ data.target + noise))
        return (residual @ phi) / B


ENGINES = {"modes": ModesEngine(), "features": FeaturesEngine()}
