"""In place of the package ``lpips``: the mean difference behind a trunk of one layer, in slices as AlexNet's."""

from torch import Tensor, nn


class LPIPS(nn.Module):
    def __init__(self, net: str, pnet_rand: bool, verbose: bool) -> None:
        assert (net, pnet_rand, verbose) == ("alex", True, False)  # all else would fetch weights, or print
        super().__init__()
        self.net = nn.Module()
        self.net.slice1 = nn.Sequential(nn.Conv2d(3, 1, 1))

    def forward(self, image: Tensor, reference: Tensor) -> Tensor:
        assert isinstance(self.net.slice1, nn.Module)
        difference: Tensor = self.net.slice1(image) - self.net.slice1(reference)
        return difference.abs().mean(dim=(1, 2, 3), keepdim=True)


WEIGHTS = {
    "features.0.weight": [[[[0.5]], [[0.0]], [[0.0]]]],
    "features.0.bias": [3.0],
    "classifier.6.bias": [1.0],
}
"""What the file would have, of which red's half is what the fake measures."""
