// Measures llama.cpp through node-llama-cpp's prebuilt binary for processors.
// Verbs: decode PATH PROMPT COUNT, prefill PATH LENGTH, load PATH.
import {readFileSync} from "node:fs";
import {createInterface} from "node:readline";
import {getLlama} from "node-llama-cpp";

const threads = Number(process.env.OMP_NUM_THREADS ?? 1);
const llama = await getLlama({gpu: false, build: "never", maxThreads: threads, logLevel: "error"});
const {version: binding} = JSON.parse(readFileSync(new URL("node_modules/node-llama-cpp/package.json", import.meta.url)));
const version = `llama.cpp in node-llama-cpp ${binding}`;

let held = {path: null};

async function ready(path) {
  if (held.path !== path) {
    await held.context?.dispose();
    await held.model?.dispose();
    const model = await llama.loadModel({modelPath: path});
    const context = await model.createContext({contextSize: 1024, batchSize: 512, threads});
    held = {path, model, context, sequence: context.getSequence()};
  }
  await held.sequence.clearHistory();
  return held;
}

// Ids that differ, from the middle of the vocabulary.
const prompt = (n) => Array.from({length: n}, (_, i) => 1000 + ((i * 7919) % 20000));
const now = () => performance.now() / 1e3;

const verbs = {
  hello: async () => ({seconds: 0}),

  async decode(path, length, count) {
    const {sequence} = await ready(path);
    let begin, n = 0;
    for await (const _ of sequence.evaluate(prompt(Number(length)), {temperature: 0, yieldEogToken: true})) {
      begin ??= now();
      if (n++ === Number(count)) break;
    }
    if (n <= Number(count)) throw new Error(`ended after ${n} tokens`);
    return {seconds: now() - begin};
  },

  async prefill(path, length) {
    const {sequence} = await ready(path);
    const begin = now();
    for await (const _ of sequence.evaluate(prompt(Number(length)), {temperature: 0, yieldEogToken: true})) break;
    return {seconds: now() - begin};
  },

  async load(path) {
    const begin = now();
    const model = await llama.loadModel({modelPath: path});
    const context = await model.createContext({contextSize: 64, threads});
    for await (const _ of context.getSequence().evaluate([1], {temperature: 0, yieldEogToken: true})) break;
    const seconds = now() - begin;
    await context.dispose();
    await model.dispose();
    return {seconds};
  },
};

for await (const line of createInterface({input: process.stdin})) {
  const [verb, ...fields] = line.split("\t");
  let answer;
  try {
    answer = {...(await verbs[verb](...fields)), version};
  } catch (e) {
    answer = {error: String(e)};
  }
  answer.peak = process.resourceUsage().maxRSS * 1024;
  console.log("@@ " + JSON.stringify(answer));
}
process.exit(0);
