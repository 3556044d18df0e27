"""Runs an ONNX model by onnxruntime: check-onnx.py MODEL CASE.

CASE is a safetensors file with pairs of tensors: in/<case>, images, and out/<case>/<output>, what the
model should give for them. Prints a line for each output: its name, the largest difference, the
largest number, the shape.
"""

import sys

import numpy
import onnxruntime
from safetensors.numpy import load_file


def main():
    model, path = sys.argv[1:]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    case = load_file(path)
    for name in sorted(key for key in case if key.startswith("in/")):
        number = name.removeprefix("in/")
        outputs = session.run(None, {"images": case[name]})
        for output, value in zip(session.get_outputs(), outputs):
            wanted = case[f"out/{number}/{output.name}"]
            if value.shape != wanted.shape:
                sys.exit(f"{output.name} of {number} is {value.shape}, expected {wanted.shape}")
            difference = numpy.abs(value - wanted).max()
            print(f"{number}/{output.name}", difference, numpy.abs(wanted).max(), value.shape)


main()
