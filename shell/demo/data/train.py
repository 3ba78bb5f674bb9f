"""Trains the demo's model and writes everything the demo ships.

Data: the Breast Cancer Wisconsin (Diagnostic) data that scikit-learn bundles (ATTRIBUTION.md). 40 % of the rows are
held out by a fixed, stratified split and never seen in training. The files it writes into this folder:

    biopsies.csv     every row: id, split (train or held_out), the 30 measurements exactly as the library has them, label
    cancer.onnx      StandardScaler and a neural network of one hidden layer, exported by skl2onnx
    predictions.csv  for the held-out rows, what scikit-learn itself predicts: label and probabilities, full precision
    meta.json        sizes, split, versions, scikit-learn's own accuracy and AUC

Run it in the environment of requirements.txt:  python train.py
"""

import csv
import json
import pathlib

import numpy as np
import onnxruntime
import skl2onnx
import sklearn
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

HERE = pathlib.Path(__file__).parent
POSITIVE = "malignant"


def write_csv(name, header, rows):
    with open(HERE / name, "w", newline="", encoding="utf-8") as f:
        w = csv.writer(f, lineterminator="\n")
        w.writerow(header)
        w.writerows(rows)


def name_outputs(onx, names):
    """Gives the outputs the names that SQL shows, as in PREDICT(...)->label; other values of that name step aside."""
    renamed = {name: "inner_" + name for name in names}
    renamed.update({output.name: name for output, name in zip(onx.graph.output, names)})
    for node in onx.graph.node:
        for values in (node.input, node.output):
            for i, value in enumerate(values):
                values[i] = renamed.get(value, value)
    for output, name in zip(onx.graph.output, names):
        output.name = name


def main():
    data = load_breast_cancer()
    labels = data.target_names[data.target]
    columns = [name.replace(" ", "_") for name in data.feature_names]
    train, held_out = train_test_split(
        np.arange(len(labels)), test_size=0.4, random_state=42, stratify=labels)
    held_out.sort()

    # Strong L2 keeps the small network from being certain of everything, so scores spread over (0, 1).
    model = make_pipeline(
        StandardScaler(),
        MLPClassifier(hidden_layer_sizes=(16,), alpha=0.1, max_iter=2000, random_state=0))
    model.fit(data.data[train], labels[train])

    sample = data.data[held_out]
    predicted = model.predict(sample)
    probability = model.predict_proba(sample)
    classes = list(model.classes_)
    positive = probability[:, classes.index(POSITIVE)]

    onx = skl2onnx.to_onnx(model, data.data[:1].astype(np.float32), target_opset={"": 15, "ai.onnx.ml": 3})
    onx.graph.name = "cancer"
    name_outputs(onx, ["label", "probabilities"])
    blob = onx.SerializeToString()
    session = onnxruntime.InferenceSession(blob, providers=["CPUExecutionProvider"])
    _, scored = session.run(None, {"X": sample.astype(np.float32)})
    difference = max(abs(row[POSITIVE] - p) for row, p in zip(scored, positive))
    if difference > 1e-5:
        raise SystemExit(f"the exported model differs from scikit-learn by {difference}")

    (HERE / "cancer.onnx").write_bytes(blob)
    split = {int(i): "train" for i in train} | {int(i): "held_out" for i in held_out}
    write_csv("biopsies.csv", ["id", "split", *columns, "label"],
              [[i, split[i], *map(repr, map(float, data.data[i])), labels[i]] for i in range(len(labels))])
    write_csv("predictions.csv", ["id", "label", *(f"probability_{c}" for c in classes)],
              [[int(i), predicted[k], *map(repr, map(float, probability[k]))] for k, i in enumerate(held_out)])
    meta = {
        "rows": len(labels),
        "measurements": len(columns),
        "train": len(train),
        "held_out": len(held_out),
        "positive": POSITIVE,
        "held_out_positive": int((labels[held_out] == POSITIVE).sum()),
        "accuracy": accuracy_score(labels[held_out], predicted),
        "auc": roc_auc_score(labels[held_out] == POSITIVE, positive),
        "scikit_learn": sklearn.__version__,
        "skl2onnx": skl2onnx.__version__,
    }
    (HERE / "meta.json").write_text(json.dumps(meta, indent=2) + "\n")
    print(json.dumps(meta, indent=2))
    print("difference of the exported model under ONNX Runtime:", difference)


if __name__ == "__main__":
    main()
