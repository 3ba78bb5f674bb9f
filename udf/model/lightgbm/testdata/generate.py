"""Trains the small models of this folder on scikit-learn's bundled data and writes, beside each, what LightGBM itself
predicts. The Go tests score the same rows and compare.

Run it in the environment of requirements.txt:  python generate.py
For every model it writes NAME.txt and NAME.rows.json: the input, null where a value is missing, and the library's
predictions by the names of Millrace's outputs.
"""

import json
import pathlib

import lightgbm as lgb
import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris

HERE = pathlib.Path(__file__).parent
ROWS = 37  # not a multiple of 8, so that the tails of blocks are exercised
COLUMNS = 10  # of the data: the files stay small


def plain(values):
    """JSON form: NaN becomes null."""
    return [None if isinstance(v, float) and np.isnan(v) else v for v in np.asarray(values).ravel().tolist()]


def gaps(X, share=0.15):
    X = X.copy()
    X[np.random.RandomState(5).rand(*X.shape) < share] = np.nan
    return X


def zeros(X, share=0.3):
    X = X.copy()
    X[np.random.RandomState(6).rand(*X.shape) < share] = 0
    return X


def classes(p):
    """A probability as Millrace's classifiers give it: label and one probability a class."""
    if p.ndim == 1:
        p = np.stack([1 - p, p], axis=1)
        return {"label": (p[:, 1] > 0.5).astype(int), "probabilities": p}
    return {"label": p.argmax(axis=1), "probabilities": p}


def train(name, X, y, params, rounds=8, form=lambda p: {"prediction": p}, names="auto", categorical="auto", shake=None):
    X = X.astype(np.float32)
    data = lgb.Dataset(X.astype(np.float64), y, feature_name=names, categorical_feature=categorical)
    params = {"num_leaves": 12, "seed": 0, "num_threads": 1, "verbose": -1, "deterministic": True, "min_data_in_leaf": 5,
              **params}
    booster = lgb.train(params, data, rounds)
    sample = X[np.random.RandomState(11).permutation(len(X))[:ROWS]]
    if shake:
        shake(sample)
    file = HERE / f"{name}.txt"
    booster.save_model(file)
    outputs = form(booster.predict(sample.astype(np.float64)))
    rows = {"rows": len(sample), "input": plain(sample), "outputs": {k: plain(v) for k, v in outputs.items()}}
    if not name.startswith("refused_"):
        (HERE / f"{name}.rows.json").write_text(json.dumps(rows) + "\n")
    print(f"{name}: {file.stat().st_size} bytes")


def missing_where_none_was(sample):
    sample[:12:2, ::3] = np.nan


def strange_categories(sample):
    sample[:9, 1] = [70, 71, -1, 5000, np.nan, 3.7, -0.5, 0, 1e9]


def main():
    cancer, cancer_y = load_breast_cancer(return_X_y=True)
    cancer = cancer[:, :COLUMNS]
    iris, iris_y = load_iris(return_X_y=True)
    diabetes, diabetes_y = load_diabetes(return_X_y=True)
    names = ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"]

    train("binary", gaps(cancer), cancer_y, {"objective": "binary"}, form=classes)
    train("binary_sigmoid", cancer, cancer_y, {"objective": "binary", "sigmoid": 0.7}, form=classes,
          shake=missing_where_none_was)
    train("binary_zero_missing", zeros(cancer), cancer_y, {"objective": "binary", "zero_as_missing": True}, form=classes,
          shake=missing_where_none_was)
    train("binary_zero_missing_signed", zeros(cancer - cancer.mean(axis=0)), cancer_y,
          {"objective": "binary", "zero_as_missing": True}, form=classes)
    train("binary_no_missing", gaps(cancer), cancer_y, {"objective": "binary", "use_missing": False}, form=classes)
    train("binary_forest", gaps(cancer), cancer_y,
          {"objective": "binary", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.7}, form=classes)
    train("binary_dart", cancer, cancer_y, {"objective": "binary", "boosting": "dart"}, form=classes)
    train("multiclass", gaps(iris), iris_y, {"objective": "multiclass", "num_class": 3}, rounds=5, form=classes)
    train("multiclass_forest", iris, iris_y, {"objective": "multiclass", "num_class": 3, "boosting": "rf", "bagging_freq": 1,
                                              "bagging_fraction": 0.7}, rounds=5, form=classes)
    train("multiclass_ova", iris, iris_y, {"objective": "multiclassova", "num_class": 3}, rounds=5, form=classes)
    train("regression", diabetes, diabetes_y, {"objective": "regression"}, names=names)
    train("regression_sqrt", diabetes, diabetes_y, {"objective": "regression", "reg_sqrt": True})
    train("regression_forest", diabetes, diabetes_y,
          {"objective": "regression", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.7})
    train("regression_l1", diabetes, diabetes_y, {"objective": "regression_l1"})
    train("huber", diabetes, diabetes_y, {"objective": "huber"})
    train("quantile", diabetes, diabetes_y, {"objective": "quantile", "alpha": 0.9})
    train("mape", diabetes, diabetes_y, {"objective": "mape"})
    train("poisson", diabetes, np.round(diabetes_y / 20), {"objective": "poisson"})
    train("gamma", diabetes, diabetes_y, {"objective": "gamma"})
    train("tweedie", diabetes, diabetes_y, {"objective": "tweedie"})
    train("cross_entropy", cancer, cancer_y, {"objective": "cross_entropy"})
    train("cross_entropy_lambda", cancer, cancer_y, {"objective": "cross_entropy_lambda"})
    train("stump", diabetes, np.full(len(diabetes), 3.5), {"objective": "regression"}, rounds=2)
    labels = np.random.RandomState(3)
    X = diabetes[:, :4].copy()
    X[:, 1] = labels.randint(0, 60, len(X))
    y = diabetes_y + 80 * np.isin(X[:, 1] % 7, [1, 4, 5])
    categories = {"objective": "regression", "min_data_per_group": 5, "cat_smooth": 1, "max_cat_to_onehot": 4}
    train("categorical", X, y, categories, rounds=6, categorical=[1], shake=strange_categories)
    X = X.copy()
    X[::5, 1] = np.nan
    train("categorical_missing", X, y, categories, rounds=6, categorical=[1], shake=strange_categories)
    train("refused_linear_tree", diabetes, diabetes_y, {"objective": "regression", "linear_tree": True}, rounds=1)


main()
