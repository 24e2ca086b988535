// Command cuda holds the CUDA backend against the processor's and against PyTorch on the
// machine that it runs on: what check.sh beside it calls, stage by stage.
//
//	go build -tags cuda -o cuda-bench ./bench/cuda
//	cuda-bench -out DIR plan         what is measured, for torch_bench.py too
//	cuda-bench -out DIR roofs        copying and a large product
//	cuda-bench -out DIR parity       small models against the processor, and equal bits of two runs
//	cuda-bench -out DIR train        training steps; finetune and infer likewise
//	cuda-bench -out DIR table        what DIR holds, as one table
//
// Every stage but the last writes DIR/STAGE.json. With -device cpu and -tiny all of it runs
// anywhere: a rehearsal, whose numbers mean nothing.
//
// Invariants: a row of a table is a work and its shape as the plan has them, and only what
// was measured in one run of check.sh stands in one table; a roof is measured in the same
// run, by us or by PyTorch, whichever got more out of the device.
package main
