import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; it belongs to the training extra")
pytest.importorskip("torchvision", reason="torchvision is not installed; it belongs to the training extra")

from processing.detector.area_head import AreaHead, built_share  # noqa: E402
from processing.detector.network import BuildingNetwork  # noqa: E402

SIDES_PX = {"0": 32, "1": 16, "2": 8, "3": 4, "pool": 2}


def made_pyramid(channels: int = 8) -> dict[str, "torch.Tensor"]:
    return {level: torch.rand(2, channels, side, side) for level, side in SIDES_PX.items()}


def test_a_new_head_adds_nothing_and_a_taught_one_to_every_level_but_the_last():
    torch.manual_seed(0)
    head, pyramid = AreaHead(8), made_pyramid()
    for level, values in head(pyramid)[0].items():
        torch.testing.assert_close(values, pyramid[level])
    torch.nn.init.ones_(head.fuse.weight)
    changed, seen = head(pyramid)
    assert list(changed) == list(pyramid)
    assert tuple(seen.shape) == (2, 64, 32, 32)
    same = [level for level, values in changed.items() if torch.equal(values, pyramid[level])]
    assert same == ["pool"]
    added = {level: changed[level] - pyramid[level] for level in ("0", "3")}
    torch.testing.assert_close(added["0"].mean((2, 3)), added["3"].mean((2, 3)))


def test_the_share_of_building_counts_what_two_labels_cover_once():
    masks = torch.zeros(2, 16, 16, dtype=torch.uint8)
    masks[0, 0:8, 0:8] = 1
    masks[1, 4:8, 0:6] = 1
    masks[1, 8:10, 0:4] = 1
    share = built_share(masks)
    assert share[:2, :2].tolist() == [[1, 1], [1, 1]]
    assert (float(share[2, 0]), float(share.sum())) == (0.5, 4.5)
    assert built_share(masks[:0]).sum() == 0


def test_the_head_learns_where_buildings_are():
    torch.manual_seed(0)
    head, pyramid = AreaHead(8), made_pyramid()
    masks = torch.zeros(1, 128, 128, dtype=torch.uint8)
    masks[0, 32:96, 32:96] = 1
    pyramid["0"][:, 0] = built_share(masks) * 3
    targets = [{"masks": masks}, {"masks": masks}]
    optimizer = torch.optim.Adam(head.parameters(), 1e-2)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = head.loss(head(pyramid)[1], targets)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.4 * losses[0]


def test_weights_of_before_the_head_work_as_they_did():
    torch.manual_seed(0)
    taught = BuildingNetwork().eval()
    torch.nn.init.normal_(taught.area.fuse.weight)
    old = {name: value for name, value in taught.state_dict().items() if not name.startswith("area.")}
    network = BuildingNetwork().eval()
    torch.nn.init.normal_(network.area.fuse.weight)
    network.load_weights(old)
    pictures = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        found = network.features(pictures)
        pyramid = taught.pyramid(
            {level: values / spread for (level, values), spread in zip(
                taught.trunk((pictures - 127 / 255) / (128 / 255)).items(), (9.0, 7.7, 5.8, 2.6), strict=True
            )}
        )  # fmt: skip
    for level, values in pyramid.items():
        torch.testing.assert_close(found[level], values)


@pytest.mark.parametrize("change", ["missing", "strange"])
def test_weights_of_another_network_are_refused(change):
    state = BuildingNetwork().state_dict()
    if change == "missing":
        del state["heads.box_head.fc6.weight"]
    else:
        state["strange.weight"] = torch.zeros(1)
    with pytest.raises(RuntimeError, match=r"heads\.box_head\.fc6\.weight|strange\.weight"):
        BuildingNetwork().load_weights(state)
