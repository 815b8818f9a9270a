"""Statistics of the layers of a network that was fitted to real neurons, as the page of encoding models has them.

    PYTHONPATH=workflow/src python measurements/encoder_layers.py PATH/sensorium_sota_model.pth

The weights are those of the public repository sinzlab/sensorium (MIT; Willeke et al. 2022). Images are 100 natural
patches of 36 × 64 px, standardised over the set; a second set of patches tells how much the choice of patches changes.
"""

import argparse

import numpy as np
import torch
from encoding import patches
from torch import Tensor
from torch.nn import functional

from groundtrace.encoding.inside import observations, with_errors

SHAPE, COUNT, LAYERS = (36, 64), 100, 4
SHOWN = ("correlation", "participation", "population_hoyer", "lifetime_hoyer", "slope")


def layers(weights: dict[str, Tensor], images: Tensor) -> list[Tensor]:
    """Feature maps (n, channels, y, x) of each layer after ELU; images (n, Y, X) are standardised."""
    x, found = images[:, None], []
    for k in range(LAYERS):
        own = {name.removeprefix(f"core.features.layer{k}."): value for name, value in weights.items()}
        if k == 0:
            x = functional.conv2d(x, own["conv.weight"])
        else:
            x = functional.conv2d(x, own["ds_conv.in_depth_conv.weight"])
            spatial = own["ds_conv.spatial_conv.weight"]
            x = functional.conv2d(x, spatial, padding=spatial.shape[-1] // 2, groups=len(spatial))
            x = functional.conv2d(x, own["ds_conv.out_depth_conv.weight"])
        mean, variance, weight, bias = (
            own[f"norm.{name}"] for name in ("running_mean", "running_var", "weight", "bias")
        )
        x = functional.elu(functional.batch_norm(x, mean, variance, weight, bias))
        found.append(x)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights")
    given = parser.parse_args()
    weights = torch.load(given.weights, weights_only=True, map_location="cpu")
    for seed in (0, 1):
        images = patches(COUNT, SHAPE, np.random.default_rng(seed))
        standard = torch.from_numpy((images - images.mean()) / images.std())
        print(f"patches {seed}: {', '.join(SHOWN)}")
        with torch.no_grad():
            for k, maps in enumerate(layers(weights, standard)):
                found = with_errors(*observations(maps.numpy()), floor=-1.0)
                print(f"  layer {k}", *(f"{found[name][0]:.2f} ± {found[name][1]:.2f}" for name in SHOWN), flush=True)


if __name__ == "__main__":
    main()
