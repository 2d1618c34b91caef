import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface RawAnswer {
  status: number
  headers: Record<string, string>
  body: string
}

interface Waiting {
  isHead: boolean
  resolve: (answer: RawAnswer) => void
  reject: (error: Error) => void
}

/** One keep-alive connection that sends exactly the bytes it is told to; answers come in the order of the requests. */
export class RawConnection {
  readonly socket: Socket
  /** Resolves when the connection has ended, whoever ended it. */
  readonly closed: Promise<void>
  readonly #waiting: Waiting[] = []
  #bytes: Buffer = Buffer.alloc(0)

  private constructor(socket: Socket) {
    this.socket = socket
    let failure = 'closed'
    this.closed = new Promise((resolve) => {
      socket.on('error', (error) => (failure = error.message))
      socket.on('close', () => {
        for (const { reject } of this.#waiting.splice(0)) reject(new Error(`no answer: ${failure}`))
        resolve()
      })
    })
    socket.on('data', (bytes: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, bytes])
      this.#read()
    })
  }

  static async open(port: number, host = '127.0.0.1'): Promise<RawConnection> {
    const socket = connect(port, host).setNoDelay(true)
    await once(socket, 'connect')
    return new RawConnection(socket)
  }

  get isOpen(): boolean {
    return !this.socket.destroyed && this.socket.writable && !this.socket.readableEnded
  }

  /** Sends bytes that are no whole request, or more than one. */
  write(bytes: string | Uint8Array): void {
    this.socket.write(bytes)
  }

  /** The next answer, of a request that was or will be written. Rejects where the connection ends before it. */
  next(isHead = false): Promise<RawAnswer> {
    const answer = new Promise<RawAnswer>((resolve, reject) => {
      if (this.socket.destroyed) reject(new Error('no answer: closed'))
      else this.#waiting.push({ isHead, resolve, reject })
    })
    this.#read()
    return answer
  }

  send(
    request: string,
    body?: string | Uint8Array,
    headers: Record<string, string> = {},
  ): Promise<RawAnswer> {
    const answer = this.next(request.startsWith('HEAD '))
    this.write(requestBytes(request, body, headers))
    return answer
  }

  close(): void {
    this.socket.destroy()
  }

  #read(): void {
    while (this.#waiting.length > 0) {
      const parsed = parseAnswer(this.#bytes, this.#waiting[0].isHead)
      if (parsed === undefined) return
      this.#bytes = this.#bytes.subarray(parsed.end)
      if (parsed.answer.status >= 200) this.#waiting.shift()?.resolve(parsed.answer)
    }
  }
}

/** A connection whose answers stay in the buffers of the kernel. */
export async function openUnread(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' }).pause()
  socket.on('error', () => undefined) // a reset is what is expected
  await once(socket, 'connect')
  return socket
}

/** A request's bytes: `request` is "METHOD path"; a body is JSON unless the headers say otherwise. */
export function requestBytes(
  request: string,
  body?: string | Uint8Array,
  headers: Record<string, string> = {},
): Buffer {
  const bytes = Buffer.from(body ?? '')
  const all: Record<string, string> = {
    host: 'localhost',
    ...(body !== undefined && { 'content-type': 'application/json', 'content-length': String(bytes.length) }),
    ...headers,
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.concat([Buffer.from(`${request} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1'), bytes])
}

function parseAnswer(bytes: Buffer, isHead: boolean): { answer: RawAnswer; end: number } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd === -1) return undefined
  const [first, ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n')
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1])
  if (Number.isNaN(status)) throw new Error(`no HTTP answer: ${first}`)
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const colon = line.indexOf(':')
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim()
  }
  const start = headEnd + 4
  if (isHead || status < 200 || status === 204 || status === 304)
    return { answer: { status, headers, body: '' }, end: start }
  if (headers['content-length'] === undefined)
    throw new Error(`an answer without a length: ${first} ${JSON.stringify(headers)}`)
  const end = start + Number(headers['content-length'])
  if (bytes.length < end) return undefined
  return { answer: { status, headers, body: bytes.toString('utf8', start, end) }, end }
}
