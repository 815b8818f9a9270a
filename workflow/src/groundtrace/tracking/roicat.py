"""ROICaT (github.com/RichieHakim/ROICaT) as a rival, as far as it runs without a network.

Its alignment and one of its three similarities are networks whose weights it downloads when it runs. What is used is
the rest: footprints, blurred, their similarity, the cut between same and different cells, and its clusterings.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import NonNegativeInt, PositiveFloat

from groundtrace.needs import Need
from groundtrace.tracking.base import TrackingBackend

if TYPE_CHECKING:
    import numpy as np
    from scipy import sparse

    from groundtrace.tracking.field import Tracks, Visit


class Roicat(TrackingBackend):
    """ROICaT's footprints and clustering, after our alignment or after its own that needs no network."""

    environment: ClassVar[str] = "roicat"
    packages: ClassVar[tuple[str, ...]] = ("roicat", "torch", "scikit-learn", "numpy", "scipy")
    need: ClassVar[Need] = Need(1500, pixel=1500, seconds=120)

    backend: Literal["roicat"] = "roicat"
    alignment: Literal["field", "ecc"] = "field"
    """`field`: that of `mixture`; `ecc`: ROICaT's by ECC (OpenCV) and optical flow (Farneback)."""
    kernel: PositiveFloat = 2.0
    """px, half the width of the kernel that footprints are blurred with."""
    seed: NonNegativeInt = 0
    """Of the search for the cut between same and different cells."""

    def run(self, visits: "Sequence[Visit]") -> "Tracks":
        import numpy as np

        from groundtrace.tracking.alignment import Search, align
        from groundtrace.tracking.field import Pairs, Tracks
        from groundtrace.tracking.placing import on_canvas

        if self.alignment == "ecc" and len(visits) > 1:
            aligned, reference = by_ecc(visits)
        else:
            aligned, reference = align(visits, Search(self.max_rotation, self.max_scale, self.max_shift))
        canvas, rois = on_canvas(visits, aligned)
        seen = [(visit, own.warp) for visit, own in zip(visits, aligned, strict=True) if own.warp and len(visit.rois)]
        label = self.clusters(seen) if len(seen) > 1 else np.full(len(rois), -1)
        # What is in no cluster is a cell of its own.
        alone = np.where(label < 0, label.max(initial=-1) + 1 + np.arange(len(label)), label)
        track = np.unique(alone, return_inverse=True)[1]
        near = canvas.candidates()
        same = np.flatnonzero(track[near.first] == track[near.second])
        pairs = Pairs(
            rois[near.first[same]], rois[near.second[same]], near.distance[same], near.overlap[same], np.ones(len(same))
        )
        count, none = sum(len(visit.rois) for visit in visits), np.full(len(track), -1)
        tracks = Tracks(aligned, reference, track, np.ones(len(track)), none, np.zeros(len(track)), pairs)
        return tracks.among(rois, count)

    def clusters(self, seen: "Sequence[tuple[Visit, Any]]") -> "np.ndarray":
        """(n_rois,) cluster of each ROI, -1 for none. seen: sessions and their warps."""
        import numpy as np
        import torch
        from roicat import tracking, util  # pyright: ignore[reportMissingImports, reportAttributeAccessIssue]

        defaults = util.get_default_parameters(pipeline="tracking")
        moved, shape = [on_reference(*own) for own in seen], seen[0][1].shape
        session = np.repeat(np.arange(len(seen)), [len(visit.rois) for visit, _ in seen])
        member = session[:, None] == np.arange(len(seen))
        blurrer = tracking.blurring.ROI_Blurrer(frame_shape=shape, kernel_halfWidth=self.kernel, plot_kernel=False)
        blurrer.blur_ROIs(spatialFootprints=moved)
        metrics = [one for one in tracking.similarity_graph.DEFAULT_METRICS if one.name == "sf"]
        graph = tracking.similarity_graph.ROI_graph(
            n_workers=1, frame_height=shape[0], frame_width=shape[1], verbose=False, metric_configs=metrics
        )
        graph.compute_similarity_blockwise(blurrer.ROIs_blurred, torch.as_tensor(member), features={})
        most, fewest = (len(seen) * defaults["similarity_graph"]["normalization"][name] for name in ("k_max", "k_min"))
        centres = [np.rint(middles(part, shape)).astype(int) for part in moved]
        graph.make_normalized_similarities(centres, features={}, k_max=most, k_min=fewest, device="cpu")
        options = defaults["clustering"]
        clusterer = tracking.clustering.Clusterer(
            similarities=graph.similarities_final, metric_configs=metrics, s_sesh=graph.s_sesh, session_bool=member,
            verbose=False,
        )  # fmt: skip
        search = options["parameters_automatic_mixing"]
        search = {**search, "de_kwargs": {**search["de_kwargs"], "workers": 1}}
        mixed = clusterer.find_optimal_parameters_for_pruning(seed=self.seed, **search)
        clusterer.make_pruned_similarity_graphs(mixing_params=mixed, **options["pruning"])
        many = len(seen) >= options["cluster_method"]["n_sessions_switch"]
        cluster = clusterer.fit if many else clusterer.fit_singleLinkage
        return np.asarray(
            cluster(clusterer.dConj_pruned, session_bool=member, **options["hdbscan" if many else "single_linkage"])
        )


def on_reference(visit: "Visit", warp: Any) -> "sparse.csr_array":
    """(n_rois, pixels of the reference) footprints of a session, of sum 1."""
    import numpy as np
    from scipy import sparse

    from groundtrace.tracking.field import pixels_of
    from groundtrace.tracking.placing import between

    moved = sparse.csr_array(visit.masks @ between(warp(pixels_of(warp.shape).reshape(-1, 2)), visit.shape).T)
    total = np.maximum(moved.sum(axis=1), 1e-12)
    return sparse.csr_array(sparse.diags_array(1 / total) @ moved, dtype=np.float32)


def middles(footprints: "sparse.csr_array", shape: tuple[int, int]) -> "np.ndarray":
    """(n_rois, 2) px."""
    import numpy as np

    rows, columns = np.divmod(np.arange(shape[0] * shape[1]), shape[1])
    return np.stack([footprints @ rows, footprints @ columns], axis=1)


def by_ecc(visits: "Sequence[Visit]") -> tuple[list[Any], int]:
    """ROICaT's alignment of all sessions to the one in the middle, as smooth displacements near it."""
    import numpy as np
    from roicat import tracking, util  # pyright: ignore[reportMissingImports, reportAttributeAccessIssue]

    from groundtrace.tracking.field import Aligned, Warp

    options = util.get_default_parameters(pipeline="tracking")["alignment"]
    size = 12.0 / visits[0].diameter
    aligner = tracking.alignment.Aligner(um_per_pixel=size, device="cpu", verbose=False, **options["initialization"])
    images = aligner.augment_FOV_images(
        [np.nan_to_num(visit.images["mean"]).astype(np.float32) for visit in visits],
        [visit.masks for visit in visits],
        **options["augment"],
    )
    aligner.fit_geometric(ims_moving=images, verbose=False, **{**options["fit_geometric"], "method": "ECC_cv2"})
    aligner.transform_images_geometric(images)
    aligner.fit_nonrigid(
        ims_moving=aligner.ims_registered_geo,
        remappingIdx_init=aligner.remappingIdx_geo,
        **{**options["fit_nonrigid"], "method": "OpticalFlowFarneback"},
    )
    warps = [Warp.fitted(np.asarray(there)[..., ::-1], visits[0].shape) for there in aligner.remappingIdx_nonrigid]
    return [Aligned(warp, np.nan, np.nan, np.nan) for warp in warps], int(0.5 * len(visits))
