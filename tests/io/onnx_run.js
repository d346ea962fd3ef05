// Runs ONNX files in ONNX Runtime, for onnx.test.cpp: `node onnx_run.js FOLDER`, where FOLDER holds runs.json,
// a list of {model, input, shape, output}: "input" is a file of floats of that shape, "output" the file to
// write; "metadata" and "input_names" of each model are printed as JSON.
"use strict";

const fs = require("node:fs");
const path = require("node:path");

async function main() {
  const ort = require("onnxruntime-node");
  const folder = process.argv[2];
  for (const run of JSON.parse(fs.readFileSync(path.join(folder, "runs.json"), "utf8"))) {
    const session = await ort.InferenceSession.create(path.join(folder, run.model), { intraOpNumThreads: 1 });
    const bytes = fs.readFileSync(path.join(folder, run.input));
    const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    const outputs = await session.run({ image: new ort.Tensor("float32", values, run.shape) });
    const logits = outputs.logits.data;
    fs.writeFileSync(path.join(folder, run.output), Buffer.from(logits.buffer, logits.byteOffset, 4 * logits.length));
  }
}

main();
