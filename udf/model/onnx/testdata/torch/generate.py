"""Trains small PyTorch networks on scikit-learn's bundled data and exports them, by the exporter of old and by the new one.

Run it in the environment of requirements.txt:  python generate.py
"""

import io
import pathlib
import sys
import warnings

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "common"))

import numpy as np
import onnx
import torch
from sklearn.datasets import load_diabetes, load_digits, load_iris
from torch import nn

import zoo

warnings.filterwarnings("ignore")
torch.set_num_threads(1)


class Last(nn.Module):
    """A recurrent network whose last state a layer reads."""

    def __init__(self, core, width, classes):
        super().__init__()
        self.core, self.head = core, nn.Linear(width, classes)

    def forward(self, x):
        y, _ = self.core(x)
        return torch.softmax(self.head(y[:, -1]), dim=1)


class States(nn.Module):
    """A recurrent network that gives its states as they are, the rows second."""

    def __init__(self):
        super().__init__()
        self.core = nn.LSTM(8, 5, num_layers=2, batch_first=True)

    def forward(self, x):
        _, (h, c) = self.core(x)
        return h, c


class Categories(nn.Module):
    """Embeddings of two categories beside numbers."""

    def __init__(self):
        super().__init__()
        self.colour, self.shape = nn.Embedding(5, 3), nn.Embedding(4, 2)
        self.net = nn.Sequential(nn.Linear(9, 16), nn.ReLU(), nn.Linear(16, 3), nn.Softmax(dim=1))

    def forward(self, numbers, colour, shape):
        return self.net(torch.cat([numbers, self.colour(colour), self.shape(shape)], dim=1))


class Words(nn.Module):
    """Words by number, their embeddings averaged."""

    def __init__(self):
        super().__init__()
        self.words, self.head = nn.Embedding(17, 6, padding_idx=0), nn.Linear(6, 2)

    def forward(self, words):
        return torch.sigmoid(self.head(self.words(words).mean(dim=1)))


class Attention(nn.Module):
    """One layer of a transformer over the rows of an image."""

    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(8, 2, dim_feedforward=16, dropout=0.0, batch_first=True)
        self.head = nn.Linear(8, 10)

    def forward(self, x):
        return torch.softmax(self.head(self.layer(x).mean(dim=1)), dim=1)


def train(model, inputs, target, loss, steps=150):
    torch.manual_seed(7)
    for p in model.parameters():
        if p.dim() > 1:
            nn.init.xavier_uniform_(p)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(model(*inputs), target).backward()
        optimizer.step()
    return model.eval()


def export(name, model, inputs, outputs=("score",), batch_axes=None, names=None, new=False):
    """Exports for any number of rows and writes what the network itself gives."""
    names = names or ["x"]
    sample = tuple(torch.as_tensor(v[: zoo.ROWS]) for v in inputs)
    axes = batch_axes or {}
    if new:
        path = HERE / f"{name}.tmp"
        torch.onnx.export(model, sample, str(path), dynamo=True, external_data=False, opset_version=18, input_names=names,
                          output_names=list(outputs), dynamic_shapes=tuple({0: torch.export.Dim("rows")} for _ in names))
        onx = zoo.load(path)
        path.unlink()
    else:
        buffer = io.BytesIO()
        torch.onnx.export(model, sample, buffer, dynamo=False, opset_version=15, input_names=names, output_names=list(outputs),
                          dynamic_axes={**{n: {0: "rows"} for n in names}, **{o: {axes.get(o, 0): "rows"} for o in outputs}})
        onx = onnx.load_from_string(buffer.getvalue())
    for n in onx.graph.node:
        del n.metadata_props[:]
        n.doc_string = ""
    with torch.no_grad():
        got = model(*sample)
    got = got if isinstance(got, tuple) else (got,)
    zoo.write(HERE, name, onx, {n: v.numpy() for n, v in zip(names, sample)}, {o: g.numpy() for o, g in zip(outputs, got)}, batch_axes)


def cross(y):
    return lambda got, want: nn.functional.nll_loss(torch.log(got + 1e-9), want)


def main():
    torch.manual_seed(7)
    shuffle = np.random.RandomState(11).permutation
    iris, digits, diabetes = load_iris(), load_digits(), load_diabetes()
    order = shuffle(len(iris.data))
    x = torch.tensor(iris.data[order], dtype=torch.float32)
    y = torch.tensor(iris.target[order])
    d = torch.tensor(diabetes.data[shuffle(len(diabetes.data))] * 10, dtype=torch.float32)
    pick = shuffle(len(digits.data))[:400]
    image = torch.tensor(digits.images[pick] / 16, dtype=torch.float32)
    digit = torch.tensor(digits.target[pick])
    nll = cross(None)

    mlp = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 3), nn.Softmax(dim=1))
    for new in (False, True):
        export("mlp_new" if new else "mlp", train(mlp, (x,), y, nll), (x,), new=new)
    deep = nn.Sequential(nn.Linear(10, 32), nn.GELU(), nn.LayerNorm(32), nn.Linear(32, 16), nn.SiLU(), nn.Linear(16, 8), nn.ELU(), nn.Linear(8, 1))
    export("mlp_regressor", train(deep, (d,), d[:, :1] * 2, nn.functional.mse_loss), (d,))
    cnn = nn.Sequential(nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 8, 3), nn.ReLU(),
                        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10), nn.Softmax(dim=1))
    for new in (False, True):
        export("cnn_new" if new else "cnn", train(cnn, (image[:, None],), digit, nll), (image[:, None],), new=new)
    line = nn.Sequential(nn.Conv1d(8, 12, 3, stride=2, padding=1), nn.LeakyReLU(), nn.MaxPool1d(2), nn.Flatten(), nn.Linear(24, 10), nn.Softmax(dim=1))
    export("cnn_line", train(line, (image,), digit, nll), (image,))
    decode = nn.Sequential(nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.ReLU(), nn.ConvTranspose2d(4, 1, 4, stride=2, padding=1), nn.Sigmoid())
    export("autoencoder", train(decode, (image[:, None],), image[:, None], nn.functional.mse_loss), (image[:, None],))
    for kind, core in {"lstm": nn.LSTM(8, 12, batch_first=True), "gru": nn.GRU(8, 12, batch_first=True), "rnn": nn.RNN(8, 12, batch_first=True)}.items():
        model = train(Last(core, 12, 10), (image,), digit, nll)
        export(kind, model, (image,))
        export(kind + "_new", model, (image,), new=True)
    both = nn.LSTM(8, 6, num_layers=2, bidirectional=True, batch_first=True)
    export("lstm_both", train(Last(both, 12, 10), (image,), digit, nll), (image,))
    states = train(States(), (image,), image[:, 0, :5], lambda got, want: nn.functional.mse_loss(got[0][1], want))
    export("lstm_states", states, (image,), ("h", "c"), {"h": 1, "c": 1})
    colour, shape = y * 2 % 5, (y + torch.arange(len(y))) % 4
    named = ["numbers", "colour", "shape"]
    model = train(Categories(), (x, colour, shape), y, nll)
    export("embedding", model, (x, colour, shape), names=named)
    export("embedding_new", model, (x, colour, shape), names=named, new=True)
    words = torch.tensor(np.random.RandomState(3).randint(0, 17, (150, 6)))
    export("words", train(Words(), (words,), (words[:, :2] > 8).float(), nn.functional.binary_cross_entropy), (words,))
    export("attention", train(Attention(), (image,), digit, nll), (image,))


if __name__ == "__main__":
    main()
