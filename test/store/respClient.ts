import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export type Reply = string | number | null | Error | Reply[]
type Word = string | number | Uint8Array

/** A bare client of RESP2 for tests: someone else's program that writes to the server. */
export class RespClient {
  readonly #socket: Socket
  readonly #waiting: ((reply: Reply) => void)[] = []
  #bytes = Buffer.alloc(0)

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (bytes: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, bytes])
      this.#read()
    })
    const fail = () => {
      for (const resolve of this.#waiting.splice(0)) resolve(new Error('the connection is closed'))
    }
    socket.on('error', fail).on('close', fail)
  }

  static async connect(port: number): Promise<RespClient> {
    const socket = connect(port, '127.0.0.1').setNoDelay(true)
    await once(socket, 'connect')
    return new RespClient(socket)
  }

  /** Sends one command; an error reply is returned, not thrown. */
  send(...words: Word[]): Promise<Reply> {
    return this.sendAll([words]).then(([reply]) => reply)
  }

  /** Sends all commands at once. */
  async sendAll(commands: Word[][]): Promise<Reply[]> {
    const parts: Uint8Array[] = []
    const replies: Promise<Reply>[] = []
    for (const words of commands) {
      parts.push(Buffer.from(`*${words.length}\r\n`))
      for (const word of words) {
        const bytes = typeof word === 'object' ? word : Buffer.from(String(word))
        parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'))
      }
      replies.push(new Promise((resolve) => this.#waiting.push(resolve)))
    }
    this.#socket.write(Buffer.concat(parts))
    return Promise.all(replies)
  }

  close(): void {
    this.#socket.destroy()
  }

  #read(): void {
    let at = 0
    for (;;) {
      const parsed = parse(this.#bytes, at)
      if (parsed === undefined) break
      at = parsed.end
      this.#waiting.shift()?.(parsed.reply)
    }
    this.#bytes = this.#bytes.subarray(at)
  }
}

/** The reply that begins at `at`; undefined: it is not all there yet. Texts are told as latin1, a character a byte. */
function parse(bytes: Buffer, at: number): { reply: Reply; end: number } | undefined {
  const lineEnd = bytes.indexOf('\r\n', at)
  if (lineEnd === -1) return undefined
  const line = bytes.toString('latin1', at + 1, lineEnd)
  const end = lineEnd + 2
  switch (bytes.toString('latin1', at, at + 1)) {
    case '+':
      return { reply: line, end }
    case '-':
      return { reply: new Error(line), end }
    case ':':
      return { reply: Number(line), end }
    case '$': {
      const length = Number(line)
      if (length === -1) return { reply: null, end }
      if (bytes.length < end + length + 2) return undefined
      return { reply: bytes.toString('latin1', end, end + length), end: end + length + 2 }
    }
    case '*': {
      const items: Reply[] = []
      let next = end
      for (let i = 0; i < Number(line); i++) {
        const item = parse(bytes, next)
        if (item === undefined) return undefined
        items.push(item.reply)
        next = item.end
      }
      return { reply: items, end: next }
    }
    default:
      throw new Error(`not RESP2: ${line}`)
  }
}
