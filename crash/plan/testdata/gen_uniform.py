"""Writes uniform.sha256: a hash of every uniform plan of models of 2 to 128 layers.

The frozen layers are chosen as offsite-tuning chooses them (uniform_choose_layers of
github.com/mit-han-lab/offsite-tuning, offsite_tuning/utils.py): the stride is divided
out first, then multiplied and rounded. A line is "layers keep trainable: plan"; run as

    python3 gen_uniform.py > uniform.sha256
"""
import hashlib


def uniform_choose_layers(layers, num_student_layers):
    stride = (len(layers) - 1) / (num_student_layers - 1)
    return [layers[round(i * stride)] for i in range(num_student_layers)]


digest = hashlib.sha256()
for layers in range(2, 129):
    for trainable in range(1, 9):
        first, last = (trainable + 1) // 2, trainable // 2
        middle = list(range(first, layers - last))
        for keep in range(trainable + 2, layers + 1):
            plan = [f"{i}*" for i in range(first)]
            plan += [str(i) for i in uniform_choose_layers(middle, keep - trainable)]
            plan += [f"{i}*" for i in range(layers - last, layers)]
            digest.update(f"{layers} {keep} {trainable}: {' '.join(plan)}\n".encode())
print(digest.hexdigest())
