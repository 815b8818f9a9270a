import numpy as np
import pytest

from groundtrace.encoding.inside import dead, grams, hoyer, readout_channels, statistics, treves_rolls, with_errors
from groundtrace.encoding.learnt import look_inside
from groundtrace.encoding.model import Network
from groundtrace.encoding.network import EncodingNetwork
from groundtrace.encoding.parameters import EncodingParameters
from groundtrace.encoding.steps import Shown
from tests.unit.encoding.encoding_example import session


def test_sparseness_ends_where_all_are_alike_and_where_one_is_alone():
    alike, alone = np.ones((1, 8)), np.eye(8)[:1]
    for measure in (hoyer, treves_rolls):
        assert measure(alike)[0] == pytest.approx(0)
        assert measure(alone)[0] == pytest.approx(1)
        assert measure(np.zeros((1, 8)))[0] == 0


def test_independent_units_have_as_many_dimensions_as_there_are_and_copies_one():
    random = np.random.default_rng(0)
    free, copied = random.standard_normal((5000, 10)), random.standard_normal((5000, 1)) * np.ones(10)
    assert statistics(free)["participation"] == pytest.approx(10, rel=0.02)
    assert statistics(free)["correlation"] < 0.03
    assert statistics(copied)["participation"] == pytest.approx(1)
    assert statistics(copied)["correlation"] == pytest.approx(1)


def test_a_code_of_single_units_is_more_kurtotic_than_its_directions():
    sparse = np.random.default_rng(0).laplace(size=(5000, 20))
    found = statistics(sparse)
    assert found["kurtosis"] > 2
    assert found["rotated_kurtosis"] < 1
    gaussian = statistics(np.random.default_rng(0).standard_normal((5000, 20)))
    assert abs(gaussian["kurtosis"] - gaussian["rotated_kurtosis"]) < 0.1


def test_the_slope_of_a_power_law_is_found():
    random = np.random.default_rng(0)
    values = random.standard_normal((20_000, 20)) * np.arange(1, 21) ** -0.75
    assert statistics(values)["slope"] == pytest.approx(-1.5, abs=0.1)


def test_dead_units_are_named_and_do_not_count():
    values = np.random.default_rng(0).standard_normal((500, 6))
    values[:, 2] = 3.0
    assert dead(values).tolist() == [False, False, True, False, False, False]
    assert statistics(values) == statistics(np.delete(values, 2, axis=1))


def test_errors_are_what_other_images_show():
    drawn = [with_errors(np.random.default_rng(seed).gamma(1, 1, (200, 5)), np.arange(200)) for seed in range(20)]
    for name in ("population_hoyer", "lifetime_sparseness"):
        values, errors = np.array([found[name] for found in drawn]).T
        assert 0.5 < errors.mean() / values.std(ddof=1) < 2


def test_gram_matrices_tell_groups_of_textures_apart():
    random = np.random.default_rng(0)
    mixing = random.standard_normal((2, 6, 6))
    kind = np.repeat([0, 1], 15)
    maps = np.einsum("icd,idyx->icyx", mixing[kind], random.standard_normal((30, 6, 12, 12)))
    by = maps.std(axis=(2, 3))
    assert grams(maps, by).separation > 1.5
    # Places do not matter: each channel's map shuffled in the same way has the same Gram matrices.
    moved = maps.reshape(30, 6, 144)[:, :, random.permutation(144)].reshape(maps.shape)
    np.testing.assert_allclose(grams(moved, by).distance, grams(maps, by).distance, atol=1e-6)


@pytest.fixture(scope="module")
def seen():
    data = session(40, 3, (0, 1, 0))
    network = EncodingNetwork(channels=4, layers=2, pool=1, members=1, steps=20)
    model = network.fit(data.images, data.image_of, data.responses, 0).members[0]
    assert isinstance(model, Network)
    shown = Shown(data.images, data.image_of, data.responses, np.arange(3))
    return model, shown, *look_inside(model, shown, EncodingParameters(steps=4))


def test_every_figure_has_its_control(seen):
    _, _, table, pictures = seen
    trained, untrained = (table.filter(network=name).select("part", "statistic") for name in ("trained", "untrained"))
    assert trained.equals(untrained)
    assert table.filter(network="recorded")["statistic"].to_list()
    names = {name.replace("/trained", "/*").replace("/untrained", "/*") for name in pictures}
    assert 2 * len(names) == len(pictures)


def test_a_readout_of_one_channel_is_one_channel(seen):
    network, shown, *_ = seen
    weight = network.readout.weight.data
    before = weight.clone()
    weight.zero_()
    weight[:, 1] = 1.0
    np.testing.assert_allclose(readout_channels(network, shown.images), 1)
    weight.copy_(before)
    assert (readout_channels(network, shown.images) <= 8).all()
