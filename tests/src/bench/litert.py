"""A selfie model in LiteRT (XNNPACK, one thread), as `subrosa bench blur` compares it: as it is, and with its last layer, an
operator of MediaPipe's own that XNNPACK has not, said with two that it has (a matrix and DEPTH_TO_SPACE): the same numbers, faster.

Arguments: the model, folder with `picture` (pixels as 32-bit numbers); masks are written beside it. Then for each line that is
read, a count: so many runs of each, one JSON object with their CPU times in ms."""

import json
import pathlib
import sys
import time

import flatbuffers
import numpy
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

CONV_2D, DEPTH_TO_SPACE = 3, 5


def rewritten(data):
    """The model with a matrix of four outputs and DEPTH_TO_SPACE in the place of the transposed convolution: its steps are as
    large as its filter, so no two outputs overlap."""
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    graph = model.subgraphs[0]
    maker = {output: operator for operator in graph.operators for output in operator.outputs}

    def constant(place):
        tensor = graph.tensors[place]
        raw = model.buffers[tensor.buffer].data
        if raw is None or len(raw) == 0:  # DEQUANTIZE of one
            return constant(maker[place].inputs[0])
        return numpy.frombuffer(bytes(raw), {0: "<f4", 1: "<f2"}[tensor.type]).astype("<f4").reshape(tensor.shape)

    def tensor(name, shape, numbers=None):
        buffer = schema.BufferT()
        if numbers is not None:
            buffer.data = numpy.frombuffer(numbers.astype("<f4").tobytes(), "u1")
        model.buffers.append(buffer)
        made = schema.TensorT()
        made.name, made.shape, made.type, made.buffer = name, numpy.array(shape, "i4"), 0, len(model.buffers) - 1
        graph.tensors.append(made)
        return len(graph.tensors) - 1

    def operator(code, kind, options, inputs, outputs):
        made = schema.OperatorCodeT()
        made.deprecatedBuiltinCode = made.builtinCode = code
        made.version = 1
        model.operatorCodes.append(made)
        made = schema.OperatorT()
        made.opcodeIndex = len(model.operatorCodes) - 1
        made.inputs, made.outputs = numpy.array(inputs, "i4"), numpy.array(outputs, "i4")
        made.builtinOptionsType, made.builtinOptions = kind, options
        return made

    custom = [code.customCode == b"Convolution2DTransposeBias" for code in model.operatorCodes]
    place = next(at for at, each in enumerate(graph.operators) if custom[each.opcodeIndex])
    source, weights, bias = graph.operators[place].inputs
    height, width, channels = graph.tensors[source].shape[1:4]
    matrix = tensor("matrix", (4, 1, 1, channels), constant(weights))
    biases = tensor("biases", (4,), numpy.repeat(constant(bias), 4))
    squares = tensor("squares", (1, height, width, 4))
    convolution = schema.Conv2DOptionsT()
    convolution.strideW = convolution.strideH = convolution.dilationWFactor = convolution.dilationHFactor = 1
    spread = schema.DepthToSpaceOptionsT()
    spread.blockSize = 2
    kinds = schema.BuiltinOptions
    outputs = list(graph.operators[place].outputs)
    graph.operators[place : place + 1] = [
        operator(CONV_2D, kinds.Conv2DOptions, convolution, [source, matrix, biases], [squares]),
        operator(DEPTH_TO_SPACE, kinds.DepthToSpaceOptions, spread, [squares], outputs),
    ]
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def main():
    data, folder = pathlib.Path(sys.argv[1]).read_bytes(), pathlib.Path(sys.argv[2])
    interpreters = {}
    for name, content in [("as it is", data), ("rewritten", rewritten(bytearray(data)))]:
        interpreter = Interpreter(model_content=content, num_threads=1)
        interpreter.allocate_tensors()
        given, made = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
        interpreter.set_tensor(given["index"], numpy.fromfile(folder / "picture", "<f4").reshape(given["shape"]))
        interpreter.invoke()
        interpreter.get_tensor(made["index"]).astype("<f4").tofile(folder / name)
        interpreters[name] = interpreter
    print("ready", flush=True)
    for line in sys.stdin:
        times = {name: [] for name in interpreters}
        for name, interpreter in interpreters.items():
            for _ in range(int(line)):
                start = time.process_time()
                interpreter.invoke()
                times[name].append((time.process_time() - start) * 1000)
        print(json.dumps(times), flush=True)


main()
