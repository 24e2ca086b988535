"""Writes the two GGUF files that decoding is measured on, beside the given one:

  make_gguf.py q8 MODEL.gguf OUT.gguf    the same model with its matrices as Q8_0
  make_gguf.py wide MODEL.gguf OUT.gguf  a LLaMA 2048 wide of random weights in the
                                         mixture that is called Q4_K_M, with MODEL's
                                         tokenizer
"""

import sys

import gguf
import numpy as np
from gguf import GGMLQuantizationType as T

WIDTH, LAYERS, INNER, HEADS, GROUPS = 2048, 8, 8192, 32, 8


def copy_metadata(reader, writer, keep):
    for field in reader.fields.values():
        if not field.types or field.name.startswith("GGUF.") or field.name == "general.architecture" or not keep(field.name):
            continue
        kind = field.types[0]
        sub = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, field.contents(), kind, sub_type=sub)


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def q8(source, out):
    reader, writer = gguf.GGUFReader(source), gguf.GGUFWriter(out, "llama")
    copy_metadata(reader, writer, lambda name: name != "general.file_type")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    for t in reader.tensors:
        values = gguf.quants.dequantize(t.data, t.tensor_type).astype(np.float32)
        if values.ndim < 2:
            writer.add_tensor(t.name, values)
        else:
            writer.add_tensor(t.name, gguf.quants.quantize(values, T.Q8_0), raw_dtype=T.Q8_0)
    finish(writer)


def wide(source, out):
    reader, writer = gguf.GGUFReader(source), gguf.GGUFWriter(out, "llama")
    copy_metadata(reader, writer, lambda name: name.startswith("tokenizer."))
    vocabulary = len(reader.fields["tokenizer.ggml.tokens"].data)
    writer.add_name("random weights")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_K_M)
    writer.add_context_length(2048)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(GROUPS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_rope_freq_base(500000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(vocabulary)
    random = np.random.default_rng(1)

    def matrix(name, rows, columns, kind):
        block, size = gguf.GGML_QUANT_SIZES[kind]
        # As the upper byte of an F16, 0x13 is below 2^-10: every scale is a small finite number.
        data = random.integers(0, 256, (rows, columns // block * size), np.uint8) & 0x13
        writer.add_tensor(name, data, raw_dtype=kind)

    ones = np.ones(WIDTH, np.float32)
    matrix("token_embd.weight", vocabulary, WIDTH, T.Q6_K)
    for i in range(LAYERS):
        finer = T.Q6_K if i < LAYERS // 8 or i >= 7 * LAYERS // 8 or (i - LAYERS // 8) % 3 == 2 else T.Q4_K
        kv = WIDTH // HEADS * GROUPS
        for name, rows, columns, kind in (
            ("attn_q", WIDTH, WIDTH, T.Q4_K), ("attn_k", kv, WIDTH, T.Q4_K), ("attn_v", kv, WIDTH, finer),
            ("attn_output", WIDTH, WIDTH, T.Q4_K), ("ffn_gate", INNER, WIDTH, T.Q4_K), ("ffn_up", INNER, WIDTH, T.Q4_K),
            ("ffn_down", WIDTH, INNER, finer)):
            matrix(f"blk.{i}.{name}.weight", rows, columns, kind)
        writer.add_tensor(f"blk.{i}.attn_norm.weight", ones)
        writer.add_tensor(f"blk.{i}.ffn_norm.weight", ones)
    writer.add_tensor("output_norm.weight", ones)
    finish(writer)


{"q8": q8, "wide": wide}[sys.argv[1]](*sys.argv[2:])
