"""Statistics of the layers of a network that was fitted to real neurons, as the page of encoding models has them.

    PYTHONPATH=workflow/src python measurements/encoder_layers.py PATH/sensorium_sota_model.pth

The weights are those of the public repository sinzlab/sensorium (MIT; Willeke et al. 2022). Images are 100 natural
patches of 36 × 64 px, standardised over the set; a second set of patches tells how much the choice of patches changes.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from encoding import patches

from groundtrace.encoding.inside import observations, with_errors
from groundtrace.simulation.fitted import FittedNetwork
from groundtrace.simulation.parameters import FITTED_SHAPE
from groundtrace.simulation.stimulus import GREY

COUNT = 100
SHOWN = ("correlation", "participation", "population_hoyer", "lifetime_hoyer", "slope")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights")
    given = parser.parse_args()
    for seed in (0, 1):
        images = patches(COUNT, FITTED_SHAPE, np.random.default_rng(seed))
        network = FittedNetwork(Path(given.weights), float(images.std()))
        centred = torch.from_numpy(images - images.mean() + GREY)
        print(f"patches {seed}: {', '.join(SHOWN)}")
        with torch.no_grad():
            for k, maps in enumerate(network.layers(centred)):
                found = with_errors(*observations(maps.numpy()), floor=-1.0)
                print(f"  layer {k}", *(f"{found[name][0]:.2f} ± {found[name][1]:.2f}" for name in SHOWN), flush=True)


if __name__ == "__main__":
    main()
