// ResNet-18 in ONNX Runtime, for bench/compare/run: the same network, weights and numbers as ours.cpp.
"use strict";

const { performance } = require("node:perf_hooks");

const height = 52;
const width = 32;

function option(name, otherwise) {
  const at = process.argv.indexOf("--" + name);
  return at < 0 ? otherwise : process.argv[at + 1];
}

// The pixels that every program makes: see image_value in ours.cpp.
function images(batch) {
  const values = new Float32Array(batch * height * width);
  for (let i = 0; i < values.length; ++i) values[i] = Math.fround(((i * 7919) % 1009) / 1009) - 0.5;
  return values;
}

async function main() {
  const ort = require("onnxruntime-node");
  const batch = Number(option("batch", "1"));
  const seconds = Number(option("seconds", "0"));
  const session = await ort.InferenceSession.create(option("onnx"), {
    intraOpNumThreads: Number(option("threads", "1")),
    interOpNumThreads: 1,
    executionMode: "sequential",
    graphOptimizationLevel: "all",
  });
  const feeds = { x: new ort.Tensor("float32", images(batch), [batch, 1, height, width]) };
  const outputs = Array.from((await session.run(feeds)).y.data.slice(0, 20));
  const result = { outputs, version: require("onnxruntime-node/package.json").version };
  if (seconds > 0) {
    for (let i = 0; i < 3; ++i) await session.run(feeds);
    let calls = 0;
    let elapsed = 0;
    const start = performance.now();
    while (elapsed < seconds) {
      await session.run(feeds);
      ++calls;
      elapsed = (performance.now() - start) / 1000;
    }
    result.seconds = elapsed / calls;
  }
  result.peak_memory = process.resourceUsage().maxRSS * 1024;
  console.log(JSON.stringify(result));
}

main();
