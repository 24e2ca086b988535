"""Makes cleanup.json: what transformers 4.51.3's clean_up_tokenization makes of texts full
of what it takes spaces out of. Run it here:

    python gen_cleanup.py
"""
import json
import random

from transformers import PreTrainedTokenizerBase

PARTS = [" ", ".", "?", "!", ",", "'", "n't", "'m", "'s", "'ve", "'re", "n", "t", "a", "do", " ' ", "  ", "\n", "'ll", "é", "v", "e"]


def main():
    rng = random.Random(8)
    texts = ["".join(rng.choice(PARTS) for _ in range(rng.randint(1, 14))) for _ in range(400)]
    with open("cleanup.json", "w", encoding="utf-8") as f:
        json.dump([[t, PreTrainedTokenizerBase.clean_up_tokenization(t)] for t in texts], f, ensure_ascii=False, indent=0)
        f.write("\n")


main()
