const WIRE_VARINT = 0
const WIRE_BYTES = 2 // length, then that many bytes: strings, nested messages

/**
 * Writes Protocol Buffers messages: fields in the order of the calls. Byte fields are not copied.
 */
export class ProtobufWriter {
  readonly #chunks: Uint8Array[] = []
  #byteCount = 0

  /** `value`: a whole number, 0 … 2^53 − 1 (int32, int64, uint64, enum). */
  varint(field: number, value: number): this {
    this.#tag(field, WIRE_VARINT)
    this.#append(varintBytes(value))
    return this
  }

  bytes(field: number, data: Uint8Array): this {
    this.#tag(field, WIRE_BYTES)
    this.#append(varintBytes(data.length))
    this.#append(data)
    return this
  }

  string(field: number, text: string): this {
    return this.bytes(field, Buffer.from(text))
  }

  message(field: number, write: (message: ProtobufWriter) => void): this {
    const message = new ProtobufWriter()
    write(message)
    this.#tag(field, WIRE_BYTES)
    this.#append(varintBytes(message.#byteCount))
    for (const chunk of message.#chunks) this.#append(chunk)
    return this
  }

  /** The message in parts, one behind the other; big byte fields are the caller's own memory. */
  parts(): Uint8Array[] {
    return this.#chunks
  }

  #tag(field: number, wireType: number): void {
    this.#append(varintBytes(field * 8 + wireType))
  }

  #append(chunk: Uint8Array): void {
    this.#chunks.push(chunk)
    this.#byteCount += chunk.length
  }
}

/** Base-128, least significant group first; every byte but the last has its high bit set. */
function varintBytes(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = value
  while (rest >= 128) {
    bytes.push((rest % 128) + 128)
    rest = Math.floor(rest / 128)
  }
  bytes.push(rest)
  return Uint8Array.from(bytes)
}
