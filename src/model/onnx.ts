import { checkWeights } from './checkWeights.ts'
import { directTables, linearLayers, type Network, type StateDict } from './network.ts'
import { inputInfos, inputNodes, type Node, type ValueInfo } from './onnxInputs.ts'
import { ProtobufWriter } from './protobuf.ts'
import type { Scores } from './scoreOf.ts'

const IR_VERSION = 8
const OPSET = 17
const ELEMENT_FLOAT = 1
const ELEMENT_INT64 = 7
const ATTRIBUTE_INT = 2

// Field numbers of onnx.proto's messages, as far as they are written here.
const MODEL = { irVersion: 1, producerName: 2, producerVersion: 3, graph: 7, opsetImport: 8 }
const OPERATOR_SET = { domain: 1, version: 2 }
const GRAPH = { node: 1, name: 2, initializer: 5, input: 11, output: 12 }
const NODE = { input: 1, output: 2, name: 3, opType: 4, attribute: 5 }
const ATTRIBUTE = { name: 1, i: 3, type: 20 }
const TENSOR = { dims: 1, dataType: 2, name: 8, rawData: 9 }
const VALUE_INFO = { name: 1, type: 2, docString: 3 }
const TYPE = { tensorType: 1 }
const TENSOR_TYPE = { elemType: 1, shape: 2 }
const SHAPE = { dim: 1 }
const DIMENSION = { value: 1, parameter: 2 }

/** What a model's ONNX file tells beside the network. */
export interface OnnxOptions {
  producerVersion: string
  scores?: Scores // absent: click probabilities
}

/**
 * The network as an ONNX model (opset 17, IR version 8): input `features` float32 [N, F], the user's then the
 * restaurant's; output `score` float32 [N], as `scoreOf` makes it of the logit. With embeddings the inputs
 * are `numbers` float32 [N, …], if there are any, and `codes` int64 [N, …]: of the user's row, then of the
 * restaurant's. Initializers carry the state dict's names. The same arguments give the same bytes.
 * @throws NearrankError INTERNAL where `weights` are not this network's.
 */
export function encodeOnnx(network: Network, weights: StateDict, options: OnnxOptions): Uint8Array {
  return Buffer.concat(onnxParts(network, weights, options))
}

/** The same file in parts, one behind the other; the weights are not copied. */
export function onnxParts(network: Network, weights: StateDict, options: OnnxOptions): Uint8Array[] {
  checkWeights(network, weights, { where: 'the weights for ONNX', code: 'INTERNAL' })
  const writer = new ProtobufWriter()
    .varint(MODEL.irVersion, IR_VERSION)
    .string(MODEL.producerName, 'nearrank')
    .string(MODEL.producerVersion, options.producerVersion)
  writer.message(MODEL.graph, (graph) => {
    const input = inputNodes(network)
    for (const node of [...input.nodes, ...layerNodes(network, input.value, options.scores)])
      graph.message(GRAPH.node, (message) => writeNode(message, node))
    graph.string(GRAPH.name, 'nearrank')
    for (const [name, { shape, data }] of weights)
      writeTensor(graph, { name, shape, elementType: ELEMENT_FLOAT, data })
    writeIntegers(graph, 'score.axes', [1])
    for (const [name, integers] of input.constants) writeIntegers(graph, name, integers)
    for (const info of inputInfos(network)) writeValueInfo(graph, GRAPH.input, info)
    if (options.scores === 'order')
      writeTensor(graph, {
        name: 'score.half',
        shape: [],
        elementType: ELEMENT_FLOAT,
        data: Float32Array.of(0.5),
      })
    const about = options.scores === 'order' ? 'orders, and is no probability' : 'click probability'
    writeValueInfo(graph, GRAPH.output, { name: 'score', shape: ['N'], about })
  })
  writer.message(MODEL.opsetImport, (opset) =>
    opset.string(OPERATOR_SET.domain, '').varint(OPERATOR_SET.version, OPSET),
  )
  return writer.parts()
}

/** Gemm, with Relu where the network has it, for each layer; then `scoreOf`, and [N, 1] becomes [N]. */
function layerNodes(network: Network, input: string, scores: Scores): Node[] {
  const nodes: Node[] = []
  let value = input
  for (const { name, activation } of linearLayers(network)) {
    const output = `${name}.output`
    const inputs = [value, `${name}.weight`, `${name}.bias`]
    nodes.push({ name, operator: 'Gemm', inputs, output, integers: { transB: 1 } })
    value = output
    if (activation === 'relu') {
      value = `${name}.relu`
      nodes.push({ name: value, operator: 'Relu', inputs: [output], output: value })
    }
  }
  for (const { name } of directTables(network)) {
    const at = `embedding.${name}`
    const sum = `${at}.sum`
    nodes.push({ name: sum, operator: 'ReduceSum', inputs: [`${at}.value`, 'axis.1'], output: sum })
    nodes.push({ name: `${at}.logit`, operator: 'Add', inputs: [value, sum], output: `${at}.logit` })
    value = `${at}.logit`
  }
  const add = (name: string, operator: string, inputs: string[]) => {
    nodes.push({ name, operator, inputs, output: name })
    return name
  }
  const ranked =
    scores === 'order'
      ? add('above', 'Add', [
          add('around', 'Mul', [add('sign', 'Softsign', [value]), 'score.half']),
          'score.half',
        ])
      : add('probability', 'Sigmoid', [value])
  const inputs = [ranked, 'score.axes']
  nodes.push({ name: 'score', operator: 'Squeeze', inputs, output: 'score' })
  return nodes
}

function writeNode(message: ProtobufWriter, node: Node): void {
  for (const input of node.inputs) message.string(NODE.input, input)
  message.string(NODE.output, node.output).string(NODE.name, node.name).string(NODE.opType, node.operator)
  for (const [name, value] of Object.entries(node.integers ?? {}))
    message.message(NODE.attribute, (attribute) =>
      attribute.string(ATTRIBUTE.name, name).varint(ATTRIBUTE.i, value).varint(ATTRIBUTE.type, ATTRIBUTE_INT),
    )
}

function writeIntegers(graph: ProtobufWriter, name: string, integers: readonly number[]): void {
  const data = BigInt64Array.from(integers, BigInt)
  writeTensor(graph, { name, shape: [integers.length], elementType: ELEMENT_INT64, data })
}

function writeTensor(
  graph: ProtobufWriter,
  tensor: { name: string; shape: number[]; elementType: number; data: Float32Array | BigInt64Array },
): void {
  const { data } = tensor
  graph.message(GRAPH.initializer, (message) => {
    for (const size of tensor.shape) message.varint(TENSOR.dims, size)
    message
      .varint(TENSOR.dataType, tensor.elementType)
      .string(TENSOR.name, tensor.name)
      .bytes(TENSOR.rawData, new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  })
}

function writeValueInfo(graph: ProtobufWriter, field: number, value: ValueInfo): void {
  graph.message(field, (info) => {
    info.string(VALUE_INFO.name, value.name)
    info.message(VALUE_INFO.type, (type) =>
      type.message(TYPE.tensorType, (tensor) => {
        tensor.varint(TENSOR_TYPE.elemType, value.elementType ?? ELEMENT_FLOAT)
        tensor.message(TENSOR_TYPE.shape, (shape) => {
          for (const size of value.shape)
            shape.message(SHAPE.dim, (dimension) =>
              typeof size === 'number'
                ? dimension.varint(DIMENSION.value, size)
                : dimension.string(DIMENSION.parameter, size),
            )
        })
      }),
    )
    info.string(VALUE_INFO.docString, value.about)
  })
}
