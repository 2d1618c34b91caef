import type { DuckDBVector } from '@duckdb/node-api'

/** What is read of a vector anywhere in `dataset/`. */
interface Items {
  type: DuckDBVector['type']
  itemCount: number
  getItem: (i: number) => unknown
  items?: ArrayBufferView<ArrayBuffer>
  dataView?: DataView<ArrayBuffer>
  validity: { data: BigUint64Array | null }
}

type TypedArray = ArrayBufferView<ArrayBuffer> & { [i: number]: number | bigint }

/** The items `order[0]`, `order[1]`, … of a vector, copied, so that they outlive its chunk. */
export function selectItems(vector: DuckDBVector, order: Uint32Array): DuckDBVector {
  const { items, dataView, validity } = vector as unknown as Items
  const selected: Items = {
    type: vector.type,
    itemCount: order.length,
    getItem: (i) => vector.getItem(order[i]),
    validity: { data: validity.data && selectBits(validity.data, order) },
  }
  if (ArrayBuffer.isView(items)) selected.items = selectValues(items as TypedArray, order)
  else if (dataView) selected.dataView = selectBytes(dataView, dataView.byteLength / vector.itemCount, order)
  return selected as unknown as DuckDBVector
}

function selectValues(values: TypedArray, order: Uint32Array): TypedArray {
  const selected = new (values.constructor as new (length: number) => TypedArray)(order.length)
  for (let i = 0; i < order.length; i++) selected[i] = values[order[i]]
  return selected
}

/** As `selectValues` for values of `bytesEach` bytes. */
function selectBytes(from: DataView<ArrayBuffer>, bytesEach: number, order: Uint32Array) {
  const bytes = new Uint8Array(from.buffer, from.byteOffset, from.byteLength)
  const selected = new Uint8Array(order.length * bytesEach)
  for (let i = 0; i < order.length; i++)
    selected.set(bytes.subarray(order[i] * bytesEach, (order[i] + 1) * bytesEach), i * bytesEach)
  return new DataView(selected.buffer)
}

/** Bit i of word i / 64: set where a value is not null. */
function selectBits(bits: BigUint64Array, order: Uint32Array): BigUint64Array {
  const selected = new BigUint64Array(Math.ceil(order.length / 64)).fill(0xffffffffffffffffn)
  for (let i = 0; i < order.length; i++)
    if (((bits[order[i] >>> 6] >> BigInt(order[i] & 63)) & 1n) === 0n)
      selected[i >>> 6] &= ~(1n << BigInt(i & 63))
  return selected
}
