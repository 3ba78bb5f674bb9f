"""Writes a small model for the activations of newer networks, as operators.py does for other operators.

Run it in the environment of shell/demo/data/requirements.txt:  python activations.py
"""

from operators import one


def main():
    for op in ("HardSwish", "Selu", "Celu", "Softsign", "ThresholdedRelu", "Sin", "Cos"):
        one(op.lower(), op)
    one("selu_set", "Selu", alpha=1.5, gamma=0.8)
    one("celu_set", "Celu", alpha=0.7)
    one("thresholdedrelu_set", "ThresholdedRelu", alpha=-0.3)
    one("mish", "Mish", opset=18)
    one("gelu", "Gelu", opset=20)
    one("gelu_tanh", "Gelu", opset=20, approximate="tanh")


if __name__ == "__main__":
    main()
