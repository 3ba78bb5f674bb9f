"""Trains pipelines over texts, categories and numbers, and the models that generate.py leaves out.

Run it in the environment of shell/demo/data/requirements.txt:  python pipelines.py
"""

import pathlib
import sys
import warnings

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE / "common"))

import numpy as np
import pandas as pd
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes, load_digits, load_iris, load_wine
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.ensemble import AdaBoostClassifier, BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import BernoulliNB, MultinomialNB
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder, OrdinalEncoder, PolynomialFeatures, PowerTransformer, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import zoo

warnings.filterwarnings("ignore")
TARGET = {"": 15, "ai.onnx.ml": 3}
SEED = {"random_state": 0}


def write(name, model, types, inputs, outputs, **options):
    onx = to_onnx(model, initial_types=types, target_opset=TARGET, **options)
    names = [o.name for o in onx.graph.output]
    zoo.write(HERE, name, onx, inputs, dict(zip(names, outputs)))


def predictions(model, rows, scores="predict_proba"):
    out = [model.predict(rows)]
    if hasattr(model, scores):
        out.append(getattr(model, scores)(rows))
    return out


def numeric(name, model, X, y, scores="predict_proba", **options):
    X = X.astype(np.float32)
    model.fit(X, y)
    rows = X[np.random.RandomState(11).permutation(len(X))[: zoo.ROWS]]
    write(name, model, [("X", FloatTensorType([None, X.shape[1]]))], {"X": rows}, predictions(model, rows, scores), **options)


def texts():
    """Sentences from the descriptions that come with scikit-learn's data sets; the class is the data set."""
    sentences, target = [], []
    for i, load in enumerate((load_iris, load_wine, load_diabetes, load_digits)):
        words = load().DESCR.encode("ascii", "ignore").decode().split()
        for at in range(0, len(words) - 12, 12):
            sentences.append(" ".join(words[at: at + 12]))
            target.append(i)
    return np.array(sentences, dtype=object), np.array(target)


def text_models():
    docs, y = texts()
    rows = np.random.RandomState(11).permutation(len(docs))[: zoo.ROWS]
    words = r"[a-zA-Z0-9_]+"
    for name, vectorizer in {
        "text_tfidf": TfidfVectorizer(max_features=120, token_pattern=words),
        "text_pairs": CountVectorizer(max_features=150, ngram_range=(1, 2), token_pattern=words),
        "text_case": CountVectorizer(max_features=100, lowercase=False, binary=True, token_pattern=words),
        "text_characters": TfidfVectorizer(max_features=150, analyzer="char", ngram_range=(2, 3)),
    }.items():
        model = make_pipeline(vectorizer, LogisticRegression(max_iter=500)).fit(docs, y)
        write(name, model, [("text", StringTensorType([None, 1]))], {"text": docs[rows].reshape(-1, 1)}, predictions(model, docs[rows]))
    frame = pd.DataFrame({
        "text": docs, "colour": np.array(["red", "green", "blue"], dtype=object)[y % 3],
        "size": np.arange(len(docs)) * 7 % 5, "weight": (y + np.random.RandomState(2).rand(len(docs))).astype(np.float32),
    })
    model = make_pipeline(ColumnTransformer([
        ("words", TfidfVectorizer(max_features=60, token_pattern=words), "text"),
        ("categories", OneHotEncoder(handle_unknown="ignore"), ["colour", "size"]),
        ("numbers", StandardScaler(), ["weight"]),
    ]), LogisticRegression(max_iter=500)).fit(frame, np.array(["iris", "wine", "diabetes", "digits"])[y])
    sample = frame.iloc[rows]
    types = [("text", StringTensorType([None, 1])), ("colour", StringTensorType([None, 1])), ("size", Int64TensorType([None, 1])),
             ("weight", FloatTensorType([None, 1]))]
    write("text_columns", model, types, {c: sample[[c]].to_numpy() for c in frame.columns}, predictions(model, sample))


def categories():
    colour = np.array(["red", "green", "blue", "grey"], dtype=object)[np.arange(120) * 7 % 4].reshape(-1, 1)
    y = (np.arange(120) % 4 > 1).astype(int)
    model = make_pipeline(OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), DecisionTreeClassifier(**SEED)).fit(colour, y)
    rows = colour[: zoo.ROWS].copy()
    rows[3] = "purple"
    write("ordinal", model, [("colour", StringTensorType([None, 1]))], {"colour": rows}, predictions(model, rows))


def main():
    iris, wine, diabetes = (f(return_X_y=True) for f in (load_iris, load_wine, load_diabetes))
    text_models()
    categories()
    numeric("bagging", BaggingClassifier(n_estimators=3, **SEED), *iris)
    numeric("adaboost", AdaBoostClassifier(n_estimators=5, **SEED), *iris)
    numeric("voting", VotingClassifier([("a", LogisticRegression(max_iter=5000)), ("b", DecisionTreeClassifier(max_depth=3, **SEED))], voting="soft", flatten_transform=False), *iris)
    numeric("stacking", StackingClassifier([("a", LogisticRegression(max_iter=5000)), ("b", DecisionTreeClassifier(max_depth=3, **SEED))]), *iris)
    numeric("bins", make_pipeline(KBinsDiscretizer(5, encode="onehot-dense"), LogisticRegression()), *iris)
    numeric("polynomial", make_pipeline(StandardScaler(), PolynomialFeatures(2), LogisticRegression(max_iter=5000)), *iris)
    numeric("power", make_pipeline(PowerTransformer(), LinearRegression()), diabetes[0], diabetes[1] / 100)
    numeric("discriminant", LinearDiscriminantAnalysis(), *wine)
    numeric("quadratic", make_pipeline(StandardScaler(), QuadraticDiscriminantAnalysis()), *iris)
    numeric("bernoulli", BernoulliNB(binarize=3), *iris)
    numeric("multinomial", MultinomialNB(), *iris)
    numeric("svc_plain", SVC(decision_function_shape="ovo"), *iris, scores="decision_function")
    numeric("kmeans", make_pipeline(StandardScaler(), KMeans(3, n_init=1, **SEED)), iris[0], iris[1], scores="transform")
    near = KNeighborsRegressor(4)
    numeric("neighbours_regressor", near, diabetes[0][::4] * 10, diabetes[1][::4] / 100, options={id(near): {"optim": "cdist"}})


if __name__ == "__main__":
    main()
