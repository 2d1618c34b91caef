// What a server on this machine costs at least: threads that parse the same bodies with node:http and answer as many bytes. No ranking, no framework.
import { createServer } from 'node:http'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

interface Bare {
  threads: number
  port: number
  answerBytes: number
}

if (isMainThread) {
  const [threads, port, answerBytes] = process.argv.slice(2).map(Number)
  for (let i = 0; i < threads; i++) {
    const worker = new Worker(new URL(import.meta.url), {
      workerData: { threads, port, answerBytes },
      execArgv: [],
    })
    await new Promise((resolve) => worker.once('message', resolve))
  }
  process.stdout.write('listening\n')
} else {
  const { threads, port, answerBytes } = workerData as Bare
  const answer = 'x'.repeat(answerBytes)
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (text: string) => (body += text))
    request.on('end', () => {
      if (typeof JSON.parse(body) !== 'object') response.statusCode = 400
      response.setHeader('content-type', 'application/json; charset=utf-8')
      response.setHeader('content-length', answerBytes)
      response.end(answer)
    })
  })
  server.listen({ host: '127.0.0.1', port, reusePort: threads > 1 }, () =>
    parentPort?.postMessage('listening'),
  )
}
