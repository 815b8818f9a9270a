"""Results in the formats of other programs: NWB, Suite2p, Fiji, MATLAB."""
