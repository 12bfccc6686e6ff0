"""From a LightGBM booster to a graph that gives the same scores on float32 inputs."""

import lightgbm as lgb
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType

OPSET = 15


def to_exact_float32(booster: lgb.Booster) -> lgb.Booster:
    """The same model with thresholds that ONNX can hold.

    A threshold t becomes the largest float32 that is not above it: for a float32 value v, v <= t says the same of both.
    The converter rounds to the nearest, which sends values that equal the rounded threshold the other way. Amounts beyond
    2^24 minor units often do.
    """
    lines = []
    for line in booster.model_to_string().split("\n"):
        key, _, text = line.partition("=")
        if key == "threshold":
            line = "threshold=" + " ".join(repr(floor_float32(float(one))) for one in text.split())
        # The sizes of the trees' texts have changed; without them the loader finds the trees by itself.
        if key != "tree_sizes":
            lines.append(line)
    return lgb.Booster(model_str="\n".join(lines))


def floor_float32(value: float) -> float:
    rounded = np.float32(value)
    return float(np.nextafter(rounded, np.float32(-np.inf)) if float(rounded) > value else rounded)


def export_onnx(booster: lgb.Booster, features: int) -> bytes:
    """One float input `features` [rows, features], one float output `score` [rows]: the probability of label 1."""
    converted = convert_lightgbm(
        booster,
        initial_types=[("features", FloatTensorType([None, features]))],
        zipmap=False,
        target_opset=OPSET,
    )
    graph = converted.graph
    # The label output declares a shape that it does not have, and the runtime would warn of it at every run.
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("score", TensorProto.FLOAT, [None]))
    graph.initializer.append(helper.make_tensor("class_of_interest", TensorProto.INT64, [], [1]))
    graph.node.append(helper.make_node("Gather", ["probabilities", "class_of_interest"], ["score"], axis=1))
    drop_unused_nodes(graph)
    # The converter names the graph and orders the operator sets differently from run to run: equal models, equal bytes.
    graph.name = "model"
    operator_sets = sorted(converted.opset_import, key=lambda one: one.domain)
    del converted.opset_import[:]
    converted.opset_import.extend(operator_sets)
    onnx.checker.check_model(converted)
    return converted.SerializeToString(deterministic=True)


def drop_unused_nodes(graph: onnx.GraphProto) -> None:
    """Removes what no output needs; outputs of a kept node that nobody reads stay, as the operator declares them."""
    needed = {output.name for output in graph.output}
    kept = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
            kept.append(node)
    del graph.node[:]
    graph.node.extend(reversed(kept))


def score_onnx(graph: bytes, rows: np.ndarray) -> np.ndarray:
    """Float32 scores of float32 rows, on one thread as in serving."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return session.run(["score"], {"features": np.ascontiguousarray(rows, dtype=np.float32)})[0]


def leaves(booster: lgb.Booster, rows: np.ndarray) -> np.ndarray:
    return booster.predict(rows, pred_leaf=True)
