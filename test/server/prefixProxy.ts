import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after } from 'node:test'

/** A proxy that takes `prefix` off the paths of all requests, and knows nothing else. Returns its address; closed after the test file. */
export async function startPrefixProxy(serverPort: number, prefix: string): Promise<string> {
  const proxy = createServer((from, to): void => {
    if (!from.url?.startsWith(`${prefix}/`)) return void to.writeHead(404).end()
    const { method, headers } = from
    const path = from.url.slice(prefix.length)
    from.pipe(
      request({ port: serverPort, path, method, headers }, (answer) => {
        to.writeHead(answer.statusCode ?? 500, answer.headers)
        answer.pipe(to)
      }),
    )
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  after(() => proxy.close())
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}${prefix}`
}
