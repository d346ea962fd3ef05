"""ResNet-18 in PyTorch, for bench/compare/run: the same network, weights and numbers as ours.cpp."""

import argparse
import json
import pathlib
import resource
import struct
import sys
import time

import numpy
import torch
import torchvision

HEIGHT, WIDTH, CLASSES = 52, 32, 20


def read_safetensors(path):
    """Names and tensors of a safetensors file; only float32, which is all that ours.cpp writes."""
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        values = bytearray(file.read())
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        flat = torch.frombuffer(values, dtype=torch.float32, count=(end - begin) // 4, offset=begin)
        tensors[name] = flat.reshape(entry["shape"])
    return tensors


def network(weights):
    model = torchvision.models.resnet18(num_classes=CLASSES)
    model.conv1 = torch.nn.Conv2d(1, 64, kernel_size=7, stride=2, padding=3, bias=False)
    missing, unexpected = model.load_state_dict(read_safetensors(weights), strict=False)
    if unexpected or any(not name.endswith("num_batches_tracked") for name in missing):
        sys.exit(f"{weights}: missing {missing}, unexpected {unexpected}")
    return model


def images(batch):
    """The pixels that every program makes: see image_value in common.hpp."""
    index = torch.arange(batch * HEIGHT * WIDTH, dtype=torch.int64)
    values = (index * 7919 % 1009).to(torch.float32) / 1009 - 0.5
    return values.reshape(batch, 1, HEIGHT, WIDTH)


def repeat_for(seconds, action):
    """Seconds a call, over at least that many seconds."""
    calls, start = 0, time.perf_counter()
    while True:
        action()
        calls += 1
        elapsed = time.perf_counter() - start
        if elapsed >= seconds:
            return elapsed / calls


def train(options):
    model = network(options.weights).train()
    x = images(options.batch)
    target = torch.arange(options.batch) % CLASSES
    if options.layout == "channels_last":
        model = model.to(memory_format=torch.channels_last)
        x = x.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9, weight_decay=5e-4)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = torch.nn.functional.cross_entropy(model(x), target)
        loss.backward()
        optimizer.step()
        return loss.item()

    losses = [step() for _ in range(3)]
    seconds = repeat_for(options.seconds, step) if options.seconds > 0 else None
    return {"losses": losses, "seconds": seconds}


def predict(options):
    model = network(options.weights).eval()
    x = images(options.batch)
    with torch.inference_mode():
        if options.layout == "channels_last":
            model = model.to(memory_format=torch.channels_last)
            x = x.to(memory_format=torch.channels_last)
        elif options.layout == "jit":
            model = torch.jit.optimize_for_inference(torch.jit.trace(model, x))
        outputs = model(x)[0].tolist()
        if options.seconds <= 0:
            return {"outputs": outputs}
        for _ in range(3):
            model(x)
        return {"outputs": outputs, "seconds": repeat_for(options.seconds, lambda: model(x))}


def learn(options):
    """Learns from the batches that compare_learn wrote to a folder, with the settings of its fit()."""
    folder = pathlib.Path(options.folder)

    def read(name):
        targets = torch.from_numpy(numpy.fromfile(folder / f"{name}.targets", dtype=numpy.int32)).long()
        inputs = numpy.fromfile(folder / f"{name}.inputs", dtype=numpy.float32)
        return torch.from_numpy(inputs).reshape(-1, 1, HEIGHT, WIDTH), targets

    (inputs, targets), (real, labels) = read("train"), read("real")
    model = network(options.weights)
    layout = torch.channels_last if options.layout == "channels_last" else torch.contiguous_format
    model = model.to(memory_format=layout)
    steps = len(targets) // options.batch
    decayed = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() <= 1]
    optimizer = torch.optim.AdamW([{"params": decayed}, {"params": others, "weight_decay": 0}], lr=2e-3,
                                  weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps, cycle_momentum=False)
    history, start = [], time.perf_counter()
    for step in range(steps):
        model.train()
        batch = slice(step * options.batch, (step + 1) * options.batch)
        optimizer.zero_grad(set_to_none=True)
        outputs = model(inputs[batch].contiguous(memory_format=layout))
        torch.nn.functional.cross_entropy(outputs, targets[batch], label_smoothing=0.05).backward()
        optimizer.step()
        schedule.step()
        if (step + 1) % (steps // options.epochs) == 0:
            model.eval()
            with torch.inference_mode():
                right = sum((model(x.contiguous(memory_format=layout)).argmax(1) == y).sum().item()
                            for x, y in zip(real.split(options.batch), labels.split(options.batch)))
            history.append({"seconds": time.perf_counter() - start, "accuracy": right / len(labels)})
    return {"history": history}


def export(options):
    torch.onnx.export(network(options.weights).eval(), images(1), options.onnx, input_names=["x"],
                      output_names=["y"], dynamic_axes={"x": {0: "n"}, "y": {0: "n"}})
    return {}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("task", choices=["train", "predict", "learn", "export"])
    parser.add_argument("--weights", required=True)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--layout", choices=["nchw", "channels_last", "jit"], default="nchw")
    parser.add_argument("--folder", help="that compare_learn prepared")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--onnx", help="file that export writes")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    result = {"train": train, "predict": predict, "learn": learn, "export": export}[options.task](options)
    result["peak_memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    result["version"] = torch.__version__
    print(json.dumps(result))


main()
