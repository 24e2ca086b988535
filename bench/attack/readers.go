package main

import (
	"bytes"
	"path/filepath"
	"time"

	"lamina/bench/attack/mutate"
	"lamina/crash/exchange"
	"lamina/crash/measure"
	"lamina/crash/plan"
	"lamina/crash/train"
	"lamina/eval/task"
	"lamina/eval/taskfile"
	"lamina/formats"
	"lamina/formats/safetensors"
	"lamina/formats/torchbin"
	"lamina/internal/files"
	"lamina/internal/jinja"
	"lamina/record"
	"lamina/transformer"
	"lamina/transformer/chat"
)

// reader is a door: something that takes bytes from outside.
type reader struct {
	name  string
	parts int // of all mutants
	// seeds are good inputs: files of the module, or, after "in:", of the inputs, as
	// patterns; directories hold corpora of fuzz tests.
	seeds string
	form  mutate.Form
	words string
	// Each mutant is written to file, in a copy of the directory like of the inputs; ""
	// for either where there is no need.
	file, like string
	sealed     bool // and the directory's manifest is made to fit
	read       func(dir string, data []byte) error
}

const jsonWords = `null true "" {} [] \u0000 \ud800 `

var readers = []reader{
	{name: "safetensors", parts: 6, seeds: "formats/safetensors/testdata/*.safetensors formats/safetensors/testdata/fuzz/* transformer/testdata/llama-bf16/model.safetensors in:run/adapter/adapter.safetensors",
		form: mutate.Safetensors, words: `"dtype" "shape" "data_offsets" "__metadata__" F32 BF16 F8_E4M3 I64 U8 `, read: readTensors(func(data []byte) (formats.Reader, error) { return safetensors.Parse("m.safetensors", data) })},
	{name: "index", parts: 3, seeds: "transformer/testdata/*/*.index.json", form: mutate.JSON, words: `../ / \ weight_map model.safetensors `, file: "index.json", read: readIndex},
	{name: "torch archive", parts: 6, seeds: "formats/torchbin/testdata/golden.bin formats/torchbin/testdata/fuzz/FuzzTorchBin transformer/testdata/opt-prenorm/pytorch_model-00004*.bin", form: mutate.Zip,
		words: "\x80\x02 ccollections\nOrderedDict\n ctorch._utils\n_rebuild_tensor_v2\n cposix\nsystem\n \x8a\x08 J\xff\xff\xff\x7f }( tQ R. ", read: readTensors(func(data []byte) (formats.Reader, error) { return torchbin.Parse("m.bin", data) })},
	{name: "torch legacy", parts: 3, seeds: "formats/torchbin/testdata/*legacy*.bin", words: "\x80\x02 ccollections\nOrderedDict\n J\xff\xff\xff\x7f ", read: readTensors(func(data []byte) (formats.Reader, error) { return torchbin.Parse("m.bin", data) })},
	{name: "GGUF", parts: 6, seeds: "formats/gguf/testdata/golden.gguf formats/gguf/testdata/fuzz/* transformer/testdata/gguf/*.gguf", words: "general.alignment general.architecture llama. tokenizer.ggml.tokens ", read: readGGUF},
	{name: "GGUF model", parts: 3, seeds: "transformer/testdata/gguf/*.gguf", words: "llama.block_count llama.rope.freq_base ", file: "m.gguf", read: readModel("m.gguf")},
	{name: "config", parts: 5, seeds: "transformer/testdata/*/config.json", form: mutate.JSON, words: `"rope_scaling" "head_dim" llama3 yarn opt gpt2 bloom llama "hidden_size" "lamina" `, read: func(_ string, data []byte) error {
		c, err := transformer.ParseConfig(data)
		if err == nil {
			err = c.Validate()
		}
		return err
	}},
	{name: "model directory", parts: 2, seeds: "transformer/testdata/opt-prenorm/config.json", form: mutate.JSON, file: "config.json", like: "model", read: readModel(".")},
	{name: "generation config", parts: 2, seeds: "transformer/testdata/*/generation_config.json", form: mutate.JSON, words: `"eos_token_id" "temperature" "repetition_penalty" "top_p" "do_sample" `, file: "generation_config.json", like: "talker", read: readModel(".")},
	{name: "tokenizer.json", parts: 6, seeds: "transformer/tokenizer/testdata/byte.json in:talker/tokenizer.json transformer/tokenizer/testdata/wide_byte.json", form: mutate.JSON,
		words: jsonWords + `BPE Metaspace ByteLevel Sequence Split Regex NFKC Replace Prepend ByteFallback "\\s+" "(a|b)*" "(?=x)" TemplateProcessing `, file: "tokenizer.json", read: readTokenizer},
	{name: "tokenizer.model", parts: 5, seeds: "transformer/tokenizer/testdata/tiny.model eval/task/testdata/lmeval/llama/tokenizer.model", file: "tokenizer.model", read: readTokenizer},
	{name: "vocab.json", parts: 2, seeds: "transformer/tokenizer/testdata/vocab.json", form: mutate.JSON, file: "vocab.json", like: "words", read: readTokenizer},
	{name: "merges.txt", parts: 2, seeds: "transformer/tokenizer/testdata/merges.txt", form: mutate.Lines, file: "merges.txt", like: "words", read: readTokenizer},
	{name: "tokenizer_config", parts: 3, seeds: "in:talker/tokenizer_config.json eval/task/testdata/lmeval/*/tokenizer_config.json", form: mutate.JSON,
		words: jsonWords + `"chat_template" "bos_token" "added_tokens_decoder" "add_prefix_space" LlamaTokenizer GPT2Tokenizer `, file: "tokenizer_config.json", like: "talker", read: readTokenizer},
	{name: "chat template", parts: 5, seeds: "texts:transformer/chat/testdata/golden.json", words: templateWords, read: func(_ string, data []byte) error {
		_, err := chat.Render(string(data), []chat.Message{{Role: "user", Content: "a banana\n"}, {Role: "assistant", Content: "ü"}}, chat.Options{BOS: "<s>", Generation: true, Now: time.Unix(0, 0).UTC()})
		return err
	}},
	{name: "jinja", parts: 5, seeds: "texts:internal/jinja/testdata/jinja.json", words: templateWords, read: func(_ string, data []byte) error {
		t, err := jinja.Parse(string(data), jinja.Options{})
		if err == nil {
			_, err = t.Render(record.Object{{Name: "question", Value: "what is it"}, {Name: "choices", Value: record.List{"a", "b"}}, {Name: "label", Value: "1"}})
		}
		return err
	}},
	{name: "chat variables", parts: 1, seeds: "in:talker/tokenizer_config.json", form: mutate.JSON, words: jsonWords, read: func(_ string, data []byte) error {
		_, err := chat.ParseVariables("--chat-vars", string(data))
		return err
	}},
	{name: "JSON lines", parts: 4, seeds: "dataset/parquet/testdata/*.jsonl in:docs.jsonl", form: mutate.Lines, words: jsonWords, file: "d.jsonl", read: readRows("d.jsonl")},
	{name: "JSON rows", parts: 3, seeds: "eval/task/testdata/pairs.json in:rows.json", form: mutate.JSON, words: jsonWords, file: "d.json", read: readRows("d.json")},
	{name: "CSV", parts: 2, seeds: "in:talk.csv", form: mutate.Lines, words: "\" \"\" \r\n , \ufeff ", file: "d.csv", read: readRows("d.csv")},
	{name: "Parquet", parts: 6, seeds: "dataset/parquet/testdata/*.parquet", words: "PAR1 ", file: "d.parquet", read: readRows("d.parquet")},
	{name: "gzip", parts: 2, seeds: "in:talk.jsonl.gz", form: mutate.Gzip, file: "d.jsonl.gz", read: readRows("d.jsonl.gz")},
	{name: "zstd", parts: 2, seeds: "in:talk.jsonl.zst", form: mutate.Zstd, file: "d.jsonl.zst", read: readRows("d.jsonl.zst")},
	{name: "dataset card", parts: 2, seeds: "in:cards/README.md", form: mutate.Lines, words: "--- configs: data_files: - split: path: config_name: &a *a << ../ ", file: "README.md", like: "cards", read: readRows(".")},
	{name: "documents", parts: 3, seeds: "eval/task/testdata/lmeval/docs/*.jsonl in:docs.jsonl", form: mutate.Lines, words: `"query" "choices" "gold" "context_ids" "target_ids" "context_options" `, read: func(_ string, data []byte) error {
		_, err := task.Read(bytes.NewReader(data), "d.jsonl")
		return err
	}},
	{name: "task file", parts: 4, seeds: "eval/taskfile/testdata/*.yaml", form: mutate.Lines, words: "&a *a << !function !!python include: filter_list: metric_list: {{ {% | > - ? : ", read: func(_ string, data []byte) error {
		_, err := taskfile.Parse(data, "t.yaml")
		return err
	}},
	{name: "plan", parts: 2, seeds: "in:plan_text", words: "* 0 -1 0* 999999999 ", read: func(_ string, data []byte) error {
		_, err := plan.Parse(string(data))
		return err
	}},
	{name: "plan file", parts: 1, seeds: "in:plan.json in:plan_text", form: mutate.JSON, file: "p", read: func(dir string, _ []byte) error {
		_, err := plan.ReadShared("@"+filepath.Join(dir, "p"), "all", 3)
		return err
	}},
	{name: "similarity", parts: 2, seeds: "in:similarity.json", form: mutate.JSON, file: "s.json", read: func(dir string, _ []byte) error {
		_, err := measure.Read(filepath.Join(dir, "s.json"))
		return err
	}},
	{name: "lamina.json", parts: 2, seeds: "in:emulator/lamina.json", form: mutate.JSON, words: `"plan" "Plan" "0* 1 1" `, file: "lamina.json", like: "emulator", sealed: true, read: readEmulator},
	{name: "adapter.json", parts: 2, seeds: "in:run/adapter/adapter.json", form: mutate.JSON, words: `"plan" "Plan" "tensors" `, file: "adapter.json", like: "run/adapter", sealed: true, read: readAdapter},
	{name: "adapter weights", parts: 1, seeds: "in:run/adapter/adapter.safetensors", form: mutate.Safetensors, file: "adapter.safetensors", like: "run/adapter", sealed: true, read: readAdapter},
	{name: "MANIFEST.json", parts: 2, seeds: "in:emulator/MANIFEST.json", form: mutate.JSON, words: `../ "sha256" `, file: "MANIFEST.json", like: "emulator", read: func(dir string, _ []byte) error { return files.Verify(dir) }},
	{name: "receipt", parts: 2, seeds: "in:emulator.receipt.json", form: mutate.JSON, file: "r.receipt.json", read: func(dir string, _ []byte) error {
		_, err := exchange.ReadReceipt(filepath.Join(dir, "r.receipt.json"))
		return err
	}},
	{name: "results", parts: 2, seeds: "eval/results/testdata/runs/*/results_*.json", form: mutate.JSON, words: `"acc,none" "samples" NaN Infinity `, file: resultsFile, like: "results-a", read: readResults},
	{name: "samples", parts: 1, seeds: "eval/results/testdata/runs/a/samples_words*.jsonl", form: mutate.Lines, words: "NaN ", file: "samples_words_" + resultsDate + ".jsonl", like: "results-a", read: readResults},
	{name: "metrics.jsonl", parts: 1, seeds: "in:run/metrics.jsonl", form: mutate.Lines, file: "metrics.jsonl", read: func(dir string, _ []byte) error {
		_, err := train.ReadMetrics(dir)
		return err
	}},
	{name: "settings", parts: 1, seeds: "in:run/config.json", form: mutate.JSON, file: "config.json", read: func(dir string, _ []byte) error {
		return files.CheckSettings(dir, []byte("{}\n"), false, "metrics.jsonl")
	}},
	{name: "list of the hub", parts: 2, seeds: "in:list.json", form: mutate.JSON, words: jsonWords + `"rfilename" "../x" "sha" "lfs" `, read: readListing},
}

const templateWords = "{{ }} {% %} {# #} for if endif endfor set macro |trim |tojson |join( |indent( .strip( .split( range( ** * // ~ namespace() loop.index 9999999 'x'*999 [::2] messages[0] "
