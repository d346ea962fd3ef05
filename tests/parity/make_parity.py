#!/usr/bin/env python3
"""Writes the files in tests/parity/data: what PyTorch computes, for the tests beside this script to compare with.

Needs PyTorch 1.13 or later and nothing else (Debian: python3-torch). Run it as `python3 make_parity.py`; the
seeds are fixed, so it writes the same files again. With torchvision installed it also checks that the ResNets
below are torchvision's.

Inputs and weights are float32. Everything computed from them is computed in float64 and rounded to float32
once at the end, so that the tests measure our error alone and not the sum of ours and PyTorch's.
"""
import copy
import json
import pathlib
import struct

import numpy
import torch
from torch import nn
from torch.nn import functional
from torch.optim import lr_scheduler

FOLDER = pathlib.Path(__file__).resolve().parent / "data"


# --- files ---


def save(name, arrays):
    """Writes {name: tensor} as a safetensors file: header length, JSON header, values; all as float32."""
    header, blocks, end = {"__metadata__": {"source": f"make_parity.py, PyTorch {torch.__version__}"}}, [], 0
    for key, tensor in arrays.items():
        values = numpy.ascontiguousarray(tensor.detach().numpy(), dtype="<f4")
        assert numpy.isfinite(values).all(), key
        header[key] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": [end, end + values.nbytes]}
        blocks.append(values.tobytes())
        end += values.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path = FOLDER / f"{name}.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blocks))
    print(f"{path.name}: {len(arrays)} arrays, {path.stat().st_size} bytes")


def exact(values):
    """A tensor or module in float64 whose values float32 holds exactly."""
    return values.float().double()


def drawn(*shape, scale=1.0, centre=0.0):
    return exact(torch.randn(*shape) * scale + centre)


def state(module):
    return {name: value for name, value in module.state_dict().items() if "num_batches" not in name}


# --- layers ---


def layer_case(name, module, shape, steps=2, samples=3, training=True, trained=True, x=None):
    """Runs a layer `steps` times forward and backward, adding up its gradients, then once in evaluation mode.

    x, y, dy, dx (steps, N, …); state.* before the first step, after.* the running statistics behind the last
    one, grad.* the summed gradients; eval is the output for the first x in evaluation mode."""
    module = exact(module).train(training)
    for key, value in module.named_parameters():
        if isinstance(module, nn.BatchNorm2d):  # else 1 and 0, which hide mistakes
            value.data = drawn(*value.shape, scale=0.5, centre=1.0 if key == "weight" else 0.0)
        value.requires_grad_(trained)
    for key, value in module.named_buffers():
        if "running" in key:
            value.data = exact(drawn(*value.shape).abs() + 0.5) if "var" in key else drawn(*value.shape)
    case = {f"state.{key}": value.clone() for key, value in state(module).items()}

    x = (drawn(steps, samples, *shape) if x is None else x).requires_grad_()
    y = torch.stack([module(step) for step in x])
    dy = drawn(*y.shape)
    y.backward(dy)
    case |= {"x": x, "y": y, "dy": dy, "dx": x.grad}
    case |= {f"grad.{key}": torch.zeros_like(p) if p.grad is None else p.grad for key, p in module.named_parameters()}
    case |= {f"after.{key}": value for key, value in state(module).items() if "running" in key}
    case["eval"] = module.eval()(x[0])
    return {f"{name}/{key}": value for key, value in case.items()}


def convolutions():
    conv = nn.Conv2d
    return (
        layer_case("conv", conv(2, 3, 3), (2, 6, 5))
        | layer_case("conv.same", conv(3, 4, 3, padding=1, bias=False), (3, 5, 7))
        | layer_case("conv.1x1", conv(4, 6, 1, bias=False), (4, 3, 5))
        | layer_case("conv.1x1.stride", conv(5, 3, 1, stride=2), (5, 7, 6))
        | layer_case("conv.wide", conv(70, 66, 1), (70, 2, 3), samples=2)  # more channels than a task takes
        | layer_case("conv.stem", conv(3, 5, 7, stride=2, padding=3, bias=False), (3, 13, 10))
        | layer_case("conv.oblong", conv(2, 4, (2, 5), stride=(3, 1), padding=(0, 2)), (2, 8, 6))
        | layer_case("conv.tall", conv(2, 3, (5, 1), stride=(1, 2), padding=(3, 0)), (2, 4, 9))
        | layer_case("conv.sparse", conv(2, 3, 2, stride=4), (2, 11, 9))  # stride beyond the kernel
        | layer_case("conv.dilated", conv(3, 4, 3, padding=2, dilation=2), (3, 7, 6))
        | layer_case("conv.uneven", conv(2, 3, (3, 2), stride=(2, 3), padding=(1, 2), dilation=(3, 2)), (2, 9, 8))
        | layer_case("conv.groups", conv(6, 4, 3, padding=1, groups=2), (6, 5, 4))
        | layer_case("conv.depthwise", conv(5, 10, 3, stride=2, padding=1, groups=5, bias=False), (5, 6, 7))
        | layer_case("conv.grouped.dilated", conv(4, 4, 3, stride=2, padding=4, dilation=3, groups=2), (4, 5, 8))
        | layer_case("conv.small.image", conv(2, 3, 5, padding=2), (2, 3, 2))  # kernel beyond the image
        | layer_case("conv.one.pixel", conv(2, 3, 3, stride=2, padding=1), (2, 1, 1))
        | layer_case("conv.padding.beyond", conv(2, 2, 2, stride=2, padding=3), (2, 2, 3))  # all-padding windows
    )


def norms():
    norm = nn.BatchNorm2d
    return (
        layer_case("norm", norm(4), (4, 5, 3), steps=3)
        | layer_case("norm.options", norm(3, eps=0.01, momentum=0.3), (3, 2, 7), steps=4)
        | layer_case("norm.one.pixel", norm(5, momentum=1.0), (5, 1, 1), samples=6)
        | layer_case("norm.still", norm(3, momentum=0.0), (3, 4, 4))
        | layer_case("norm.far", norm(2), (2, 6, 6), x=drawn(2, 3, 2, 6, 6, centre=20.0))  # mean beyond deviation
        | layer_case("norm.frozen", norm(4, eps=0.001), (4, 3, 5), training=False, trained=False)
    )


def others():
    coarse = torch.randint(-2, 3, (2, 3, 2, 7, 6)).double()  # zeros for ReLU, ties for max-pooling
    relu, maximum, average = nn.ReLU, nn.MaxPool2d, nn.AvgPool2d
    return (
        layer_case("linear", nn.Linear(7, 4), (7,), samples=5)
        | layer_case("linear.plain", nn.Linear(3, 5, bias=False), (3,), samples=1)
        | layer_case("linear.wide", nn.Linear(131, 3), (131,))
        | layer_case("linear.many", nn.Linear(3, 131), (3,))
        | layer_case("relu", relu(), (2, 7, 6), x=coarse.clone())
        | layer_case("relu.flat", relu(), (9,))
        | layer_case("max", maximum(2, 2), (3, 6, 7))
        | layer_case("max.stem", maximum(3, 2, 1), (2, 7, 6), x=coarse.clone())
        | layer_case("max.oblong", maximum((2, 3), (1, 2), (1, 0)), (2, 4, 9))
        | layer_case("average", average(2, 2), (3, 6, 7))
        | layer_case("average.padded", average(3, 2, 1), (2, 6, 7))
        | layer_case("average.inside", average(3, 2, 1, count_include_pad=False), (2, 6, 7))
        | layer_case("average.oblong", average((4, 2), (3, 1), (2, 1)), (2, 5, 4))
        | layer_case("average.oblong.inside", average((4, 2), (3, 1), (2, 1), count_include_pad=False), (2, 5, 4))
        | layer_case("global", nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), (4, 3, 5))
        | layer_case("flatten", nn.Flatten(), (3, 4, 2))
        | layer_case("dropout", nn.Dropout(0.4), (3, 4, 2), training=False)
    )


# --- networks: torchvision's ResNet, of any width ---


def conv3x3(channels, width, stride=1):
    return nn.Conv2d(channels, width, 3, stride, padding=1, bias=False)


class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, channels, width, stride):
        super().__init__()
        self.conv1, self.bn1 = conv3x3(channels, width, stride), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = conv3x3(width, width), nn.BatchNorm2d(width)
        self.relu = nn.ReLU()
        self.downsample = shortcut(channels, width, stride)

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(y)) + self.downsample(x))


class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, channels, width, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(channels, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = conv3x3(width, width, stride), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, 4 * width, 1, bias=False), nn.BatchNorm2d(4 * width)
        self.relu = nn.ReLU()
        self.downsample = shortcut(channels, 4 * width, stride)

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        return self.relu(self.bn3(self.conv3(y)) + self.downsample(x))


def shortcut(channels, width, stride):
    if channels == width and stride == 1:
        return nn.Sequential()
    return nn.Sequential(nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width))


class ResNet(nn.Module):
    def __init__(self, block, depths, classes=1000, channels=3, small_stem=False, width=64):
        super().__init__()
        kernel, stride, padding = (3, 1, 1) if small_stem else (7, 2, 3)
        self.conv1 = nn.Conv2d(channels, width, kernel, stride, padding, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU()
        self.maxpool = nn.Identity() if small_stem else nn.MaxPool2d(3, 2, 1)
        channels = width
        for stage, depth in enumerate(depths):
            blocks = []
            for i in range(depth):
                blocks.append(block(channels, width << stage, 2 if stage > 0 and i == 0 else 1))
                channels = (width << stage) * block.expansion
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(channels, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


FULL = {
    "resnet18": (BasicBlock, (2, 2, 2, 2)),
    "resnet34": (BasicBlock, (3, 4, 6, 3)),
    "resnet50": (Bottleneck, (3, 4, 6, 3)),
}


def write_state_dicts():
    """One line an array of the full models: model, name, extents."""
    lines = []
    for model, (block, depths) in FULL.items():
        net = ResNet(block, depths)
        lines += [" ".join([model, name, *map(str, value.shape)]) for name, value in state(net).items()]
        check_against_torchvision(model, net)
    (FOLDER / "state_dicts.txt").write_text("\n".join(lines) + "\n")


def check_against_torchvision(model, net):
    try:
        import torchvision
    except ImportError:
        return
    theirs = getattr(torchvision.models, model)()
    assert list(theirs.state_dict()) == list(net.state_dict())
    theirs.load_state_dict(net.state_dict())
    x = torch.randn(2, 3, 64, 96)
    assert torch.equal(theirs(x), net(x)), model
    print(f"{model}: equal to torchvision {torchvision.__version__}")


def randomise(net):
    """Norms that scale and shift, lived-in running statistics. The shifts are positive: a channel that is nearly
    always 0 would have so small a variance that the next norm magnifies rounding."""
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.uniform_(0.2, 0.8)
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 2)
    return exact(net)


def kink_distance(net, x):
    """How near the forward pass comes to a point where the gradient jumps: the smallest magnitude that enters a
    ReLU, and the smallest lead of a positive maximum over the second in its max-pooling window."""
    distances, hooks = [], []

    def at_relu(_, inputs):
        distances.append(inputs[0].abs().min().item())

    def at_pool(_, inputs):
        columns = functional.unfold(functional.pad(inputs[0].flatten(0, 1)[:, None], (1, 1, 1, 1)), 3, stride=2)
        first, second = columns.topk(2, dim=1).values.unbind(1)
        distances.append((first - second)[first > 0].min().item())

    for module in net.modules():
        if isinstance(module, (nn.ReLU, nn.MaxPool2d)):
            hooks.append(module.register_forward_pre_hook(at_relu if isinstance(module, nn.ReLU) else at_pool))
    net(x)
    for hook in hooks:
        hook.remove()
    return min(distances)


def network_case(net, x, labels):
    """Weights, eval and train logits, the mean cross-entropy and its gradients, running statistics afterwards."""
    case = {f"state.{key}": value.clone() for key, value in state(net).items()}
    case |= {"x": x, "labels": labels, "eval": net.eval()(x)}
    net, x = copy.deepcopy(net).train(), x.clone().requires_grad_()
    case["train"] = net(x)
    loss = functional.cross_entropy(case["train"], labels)
    loss.backward()
    case |= {"loss": loss, "dx": x.grad}
    case |= {f"grad.{key}": value.grad for key, value in net.named_parameters()}
    return case | {f"after.{key}": value for key, value in state(net).items() if "running" in key}


def rounding(net, x, labels):
    """How far PyTorch's own float32 values are from its float64 ones: (logits, worst gradient), as shares of the
    largest magnitude in an array."""
    exactly = network_case(net, x, labels)
    rounded = network_case(copy.deepcopy(net).float(), x.float(), labels)
    errors = {
        key: ((rounded[key] - value).abs().max() / value.abs().max()).item()
        for key, value in exactly.items()
        if key in ("train", "eval", "dx") or key.startswith("grad.")
    }
    return max(errors.pop("train"), errors.pop("eval")), max(errors.values())


def network(make, shape, samples):
    """(net, x, labels) of the first seed that makes a fair test: no kink near enough for rounding to cross it,
    and PyTorch's own float32 well within what the tests allow (1e-5 and 1e-4)."""
    for seed in range(1000):
        torch.manual_seed(seed)
        net = randomise(make())
        x, labels = drawn(samples, *shape), torch.randint(0, net.fc.out_features, (samples,))
        kink = kink_distance(copy.deepcopy(net).train(), x)
        logits, gradients = rounding(net, x, labels)
        if kink > 5e-6 and logits < 2.5e-6 and gradients < 2.5e-5:
            print(f"seed {seed}: kink at {kink:.1e}, rounding of logits {logits:.1e}, gradients {gradients:.1e}")
            return net, x, labels
    raise SystemExit("no seed makes a fair test")


# --- ten steps ---


def groups(net, weight_decay):
    """Weight decay on weights alone: none on biases and norms."""
    decayed = [p for p in net.parameters() if p.dim() > 1]
    return [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": [p for p in net.parameters() if p.dim() == 1], "weight_decay": 0.0},
    ]


OPTIMIZERS = {
    "sgd": lambda net: torch.optim.SGD(net.parameters(), lr=3e-3),
    "momentum": lambda net: torch.optim.SGD(groups(net, 0.1), lr=1e-3, momentum=0.9),
    "nesterov": lambda net: torch.optim.SGD(groups(net, 0.1), lr=1e-3, momentum=0.9, nesterov=True),
    "adam": lambda net: torch.optim.Adam(groups(net, 0.01), lr=2e-3, betas=(0.8, 0.99), eps=1e-6),
    "adamw": lambda net: torch.optim.AdamW(groups(net, 0.5), lr=2e-3),
}


def ten_steps(net, optimizer, batches, labels):
    """The loss before each of ten steps on batches taken in turn; then the classifier's weights."""
    net = copy.deepcopy(net).train()
    step, losses = optimizer(net), []
    for i in range(10):
        step.zero_grad()
        loss = functional.cross_entropy(net(batches[i % len(batches)]), labels[i % len(labels)])
        loss.backward()
        step.step()
        losses.append(loss.detach())
    return torch.stack(losses).double(), net.fc.weight.detach().double()


def training(net, x, labels):
    """Ten losses an optimizer. The steps are small, since crossing a kink amplifies rounding: PyTorch's own float32
    losses must stay within a tenth of what the tests allow."""
    batches = torch.stack([x, drawn(*x.shape)])
    labels = torch.stack([labels, labels.flip(0)])
    case = {"x": batches, "labels": labels}
    for name, optimizer in OPTIMIZERS.items():
        losses, classifier = ten_steps(net, optimizer, batches, labels)
        rounded, _ = ten_steps(copy.deepcopy(net).float(), optimizer, batches.float(), labels)
        error = (losses - rounded).abs().max().item()
        print(f"  {name}: {losses[0]:.4f} … {losses[-1]:.4f}, PyTorch's own float32 error {error:.1e}")
        assert error < 1e-5 and losses[-2:].mean() < losses[:2].mean(), name
        case |= {f"{name}/losses": losses, f"{name}/fc.weight": classifier}
    return case


# --- losses and schedules ---


def losses():
    """Mean losses and their gradients; `first`, `second` and `share` are labels blended as mix-up blends them."""
    torch.manual_seed(11)
    logits, huge, values = drawn(7, 5, scale=3.0), drawn(7, 5, scale=1e4), drawn(7, 5)
    weights = exact(drawn(5).abs() + 0.2)
    first, second = torch.tensor([0, 4, 2, 2, 1, 3, 0]), torch.tensor([0, 1, 3, 2, 4, 0, 1])
    share = torch.tensor([0.5, 0.25, 1.0, 0.75, 0.125, 0.0, 0.625]).double()[:, None]
    blend = share * functional.one_hot(first, 5) + (1 - share) * functional.one_hot(second, 5)
    case = {"logits": logits, "huge": huge, "values": values, "weights": weights}
    case |= {"first": first, "second": second, "share": share}

    def add(name, loss, x):
        x = x.clone().requires_grad_()
        value = loss(x)
        value.backward()
        case.update({f"{name}/loss": value, f"{name}/gradient": x.grad})

    cross_entropy = functional.cross_entropy
    add("plain", lambda x: cross_entropy(x, first), logits)
    add("extreme", lambda x: cross_entropy(x, first), huge)
    add("smooth", lambda x: cross_entropy(x, first, label_smoothing=0.125), logits)
    add("weighted", lambda x: cross_entropy(x, first, weight=weights), logits)
    add("weighted.smooth", lambda x: cross_entropy(x, first, weight=weights, label_smoothing=0.25), logits)
    add("blend", lambda x: cross_entropy(x, blend), logits)
    add("blend.smooth", lambda x: cross_entropy(x, blend, label_smoothing=0.125), logits)
    add("squares", lambda x: functional.mse_loss(x, values), logits)
    return case


def schedules():
    """The learning rate of each of 40 steps."""

    def rates(make, steps=40):
        optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1)
        schedule, values = make(optimizer), []
        for _ in range(steps):
            values.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step()
        return torch.tensor(values, dtype=torch.float64)

    def warm_then_cosine(optimizer):
        warm = lr_scheduler.LinearLR(optimizer, start_factor=0.1, total_iters=8)
        cosine = lr_scheduler.CosineAnnealingLR(optimizer, T_max=32)
        return lr_scheduler.SequentialLR(optimizer, [warm, cosine], [8])

    return {
        "step": rates(lambda o: lr_scheduler.StepLR(o, step_size=12, gamma=0.3)),
        "cosine": rates(lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=40)),
        "cosine.floor": rates(lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=40, eta_min=0.01)),
        "one_cycle": rates(lambda o: lr_scheduler.OneCycleLR(o, max_lr=0.1, total_steps=40)),
        "one_cycle.options": rates(
            lambda o: lr_scheduler.OneCycleLR(
                o, max_lr=0.1, total_steps=40, pct_start=0.1, div_factor=10, final_div_factor=50
            )
        ),
        "warm_cosine": rates(warm_then_cosine),
    }


def main():
    torch.set_num_threads(1)
    FOLDER.mkdir(exist_ok=True)
    write_state_dicts()
    torch.manual_seed(1)
    save("layers", convolutions() | norms() | others())
    save("losses", losses())
    save("schedules", schedules())

    narrow = network(lambda: ResNet(BasicBlock, (2, 2, 2, 2), classes=20, channels=1, width=5), (1, 52, 32), 6)
    save("resnet18", network_case(*narrow))
    save("training", training(*narrow))
    small = network(lambda: ResNet(BasicBlock, (2, 2, 2, 2), 5, 3, small_stem=True, width=4), (3, 16, 12), 6)
    save("resnet18_small", network_case(*small))
    deep = network(lambda: ResNet(BasicBlock, (3, 4, 6, 3), classes=5, width=3), (3, 36, 40), 6)
    save("resnet34", network_case(*deep))
    bottleneck = network(lambda: ResNet(Bottleneck, (3, 4, 6, 3), classes=5, width=3), (3, 33, 47), 6)
    save("resnet50", network_case(*bottleneck))


if __name__ == "__main__":
    main()
