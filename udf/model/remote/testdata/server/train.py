"""Trains a small classifier and a small regressor, and writes them as MLServer and MLflow serve them, with what scikit-learn itself predicts.

Usage: train.py FOLDER HTTP_PORT GRPC_PORT
"""

import json
import os
import sys

import joblib
import mlflow.sklearn
import numpy as np
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier

folder, http_port, grpc_port = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])


def tensor(name, datatype, width=None):
    return {"name": name, "datatype": datatype, "shape": [-1] + ([width] if width else [])}


def mlserver(name, model, inputs, outputs):
    path = os.path.join(folder, "mlserver", name)
    os.makedirs(path, exist_ok=True)
    joblib.dump(model, os.path.join(path, "model.joblib"))
    with open(os.path.join(path, "model-settings.json"), "w") as f:
        json.dump(
            {
                "name": name,
                "implementation": "mlserver_sklearn.SKLearnModel",
                "parameters": {"uri": "./model.joblib", "version": "v3"},
                "inputs": inputs,
                "outputs": outputs,
            },
            f,
        )


x, y = load_iris(return_X_y=True)
iris = RandomForestClassifier(n_estimators=20, random_state=1).fit(x, y)
mlserver(
    "iris",
    iris,
    [tensor("predict", "FP64", x.shape[1])],
    [tensor("predict", "INT64", 1), tensor("predict_proba", "FP64", 3)],
)

d, target = load_diabetes(return_X_y=True, as_frame=True)
progress = GradientBoostingRegressor(n_estimators=30, random_state=1).fit(d.values, target)
mlserver("progress", progress, [tensor("predict", "FP64", d.shape[1])], [tensor("predict", "FP64", 1)])

with open(os.path.join(folder, "mlserver", "settings.json"), "w") as f:
    json.dump(
        {
            "host": "127.0.0.1",
            "http_port": http_port,
            "grpc_port": grpc_port,
            "metrics_port": http_port + 1,
            "parallel_workers": 0,
            "debug": False,
        },
        f,
    )

framed = GradientBoostingRegressor(n_estimators=30, random_state=1).fit(d, target)
mlflow.sklearn.save_model(
    framed,
    os.path.join(folder, "mlflow"),
    signature=mlflow.models.infer_signature(d, target),
    skops_trusted_types=["sklearn.tree._tree.Tree"],
)

with open(os.path.join(folder, "expected.json"), "w") as f:
    json.dump(
        {
            "iris": {"rows": x.tolist(), "labels": iris.predict(x).tolist(), "scores": iris.predict_proba(x).tolist()},
            "progress": {"columns": list(d.columns), "rows": d.values.tolist(), "scores": np.asarray(progress.predict(d.values)).tolist()},
        },
        f,
    )
