"""Writes a small model for convolutions, pools and layer normalization, as operators.py does for other operators.

Run it in the environment of shell/demo/data/requirements.txt:  python windows.py
X is spread to an image of 3 channels of 6 by 5, or of 3 by 30.
"""

import numpy as np
from operators import F, RANDOM, case, node

SPREAD = RANDOM.randn(4, 90).astype(np.float32)


def image(name, op, shape=(-1, 3, 6, 5), weights=(), opset=15, **attributes):
    extra = {f"w{i}": w for i, w in enumerate(weights)}
    case(name, [node("MatMul", ["X", "e"], ["m"]), node("Tanh", ["m"], ["t"]), node("Reshape", ["t", "s"], ["r"]),
                node(op, ["r", *extra], ["Y"], **attributes)], {"Y": F}, opset,
         e=SPREAD, s=np.array(shape), **extra)


def small(*shape):
    return (RANDOM.randn(*shape) / 4).astype(np.float32)


def main():
    line = (-1, 3, 30)
    image("conv", "Conv", weights=[small(4, 3, 3, 3), small(4)])
    image("conv_strided", "Conv", weights=[small(9, 3, 3, 2)], strides=[2, 1], pads=[1, 0, 1, 1], dilations=[1, 2])
    image("conv_groups", "Conv", weights=[small(6, 1, 3, 3), small(6)], group=3, pads=[1, 1, 1, 1], kernel_shape=[3, 3])
    image("conv_same_upper", "Conv", weights=[small(2, 3, 2, 2)], auto_pad="SAME_UPPER", strides=[1, 2])
    image("conv_same_lower", "Conv", weights=[small(2, 3, 2, 2)], auto_pad="SAME_LOWER")
    image("conv_valid", "Conv", weights=[small(2, 3, 6, 5)], auto_pad="VALID")
    image("conv_line", "Conv", line, [small(5, 3, 4), small(5)], pads=[2, 1], strides=[3])
    image("conv_line_dilated", "Conv", line, [small(5, 3, 4)], dilations=[3])
    image("max_pool", "MaxPool", kernel_shape=[2, 2], strides=[2, 1])
    image("max_pool_padded", "MaxPool", kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2])
    image("max_pool_dilated", "MaxPool", kernel_shape=[2, 2], dilations=[3, 2])
    image("max_pool_line", "MaxPool", line, kernel_shape=[3], strides=[3])
    image("average_pool", "AveragePool", kernel_shape=[3, 2], pads=[1, 1, 1, 0])
    image("average_pool_all", "AveragePool", kernel_shape=[3, 2], pads=[1, 1, 1, 0], count_include_pad=1)
    image("average_pool_line", "AveragePool", line, kernel_shape=[4], strides=[2])
    image("global_average_pool", "GlobalAveragePool")
    image("global_max_pool", "GlobalMaxPool", line)
    image("layer_normalization", "LayerNormalization", weights=[small(5), small(5)], opset=17)
    image("layer_normalization_wide", "LayerNormalization", weights=[small(6, 5)], opset=17, axis=-2, epsilon=0.01)


if __name__ == "__main__":
    main()
