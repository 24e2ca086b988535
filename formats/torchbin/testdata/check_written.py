"""Holds written.bin, which torchbin.Write wrote, against torch's restricted loader.

python check_written.py    needs torch (made with torch 2.15.0)

The Go test wants the same bytes of torchbin.Write as the file has.
"""
import torch

got = torch.load("written.bin", weights_only=True)
want = {
    "1.weight": torch.tensor([[1.0, -2, 3], [-4, 5, -6]]), "0.bias": torch.tensor([0.5, 0.25, 0]),
    "half": torch.tensor([1.0, -2]).half(), "brain": torch.tensor([[1.0, -2]]).bfloat16(), "long": torch.tensor([1 - 2**63]),
    "none": torch.zeros(0, 3), "scalar": torch.tensor(7.0, dtype=torch.float64), "größe": torch.tensor([True, False]),
}
assert list(got) == list(want), list(got)
for name, value in want.items():
    assert got[name].dtype == value.dtype and got[name].shape == value.shape and torch.equal(got[name], value), name
print("written.bin: torch", torch.__version__, "loads", len(got), "tensors")
