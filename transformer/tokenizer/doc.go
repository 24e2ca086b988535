// Package tokenizer turns text into the token ids of a language model and
// back, with the ids of the reference (Hugging Face tokenizers, and
// transformers' fast tokenizers over it) on every text.
//
//	tok, err := tokenizer.Load("checkpoints/opt-125m")
//	if err != nil {
//		return err
//	}
//	ids := tok.Encode("Question: what is a layer?", true) // </s> first
//	text := tok.Decode(ids, true)
//	ids, spans, err := tok.EncodeOffsets("a layer", false) // and where each stands
//
// A text goes through five steps: added tokens are cut out; what lies between
// is normalized; a pre-tokenizer cuts it into words; byte-pair encoding turns
// each word into ids; a template puts tokens such as <s> around all of them.
// Every loader (Load, FromJSON, FromVocabMerges, FromGGUF, FromSentencePiece)
// describes those steps in the words of tokenizer.json and builds the same
// Tokenizer, so WriteJSON can write any of them.
//
// It knows byte-level BPE (OPT, GPT-2, BLOOM, LLaMA-3, SmolLM, Qwen2) and
// SentencePiece BPE with byte fallback (LLaMA-1, LLaMA-2, Mistral). It does not
// know Unigram, WordPiece, word or character models, normalization tables of
// SentencePiece, pairs of texts, truncation, padding, training, and chat
// templates (the text is kept, package transformer/chat runs it).
//
// Invariants: a Tokenizer does not change and is safe for concurrent use;
// whatever a file says and the package does not know is an error with its
// place, never skipped; a pattern of a file that is no published family's has a
// time limit, past which it is an error; memory while reading is bounded by the
// size of the files; a word of n bytes takes O(n log n). Character classes are
// those of Unicode 15, Go's tables: code points assigned later may be cut
// differently. The reference normalizes (NFC and kin; of the families only
// Qwen2) by older tables, which know no combining class for some marks, such as
// U+0EBA and U+0898.
package tokenizer
