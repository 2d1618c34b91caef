import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Compile } from 'typebox/schema'
import type { RawAnswer } from '../test/server/rawConnection.ts'
import type { GeneratedRequest } from '../test/server/requestGenerator.ts'
import { sendGenerated } from '../test/server/sendGenerated.ts'
import { makeWorld, serveWorld } from '../test/server/serverFixture.ts'
import { counted, trust } from './trust.ts'

type Check = (value: unknown) => boolean

interface Documented {
  method: string
  path: RegExp
  responses: Map<number, Map<string, Check>> // by status, then by media type
}

interface OpenApi {
  components: { schemas: Record<string, object> }
  paths: Record<
    string,
    Record<string, { responses: Record<string, { content?: Record<string, { schema: object }> }> }>
  >
}

trust(
  'The API answers as its OpenAPI description says: statuses, media types and bodies',
  { small: 20_000, night: 300_000 },
  async ({ seed, amount, isNight, t }) => {
    const { port, url } = await serveWorld(await makeWorld(), { workers: 2 })
    const document = (await (await fetch(`${url}/openapi.json`)).json()) as OpenApi
    const operations = documented(document)
    let checked = 0
    const check = (asked: GeneratedRequest, answer: RawAnswer) => {
      const [method, target] = asked.request.split(' ')
      const found = operations.find((one) => one.method === method && one.path.test(target))
      if (found === undefined) return
      const types = found.responses.get(answer.status)
      assert.ok(types, `${answer.status} is not described for ${asked.request}`)
      checked++
      if (types.size === 0) {
        assert.equal(answer.body, '', asked.request)
        return
      }
      const type = answer.headers['content-type'].split(';')[0]
      const isValid = types.get(type)
      assert.ok(isValid, `${type} is not described for ${answer.status} of ${asked.request}`)
      if (type.endsWith('json'))
        assert.ok(isValid(JSON.parse(answer.body)), `${asked.request}: ${answer.body}`)
    }
    await sendGenerated(port, amount, { seed, check })
    assert.ok(checked > amount / 2, `${checked} answers were to operations that are described`)
    const outside = isNight ? await schemathesis(url, seed) : ''
    if (isNight && outside === '') t.diagnostic('Schemathesis is not installed (trust/requirements.txt)')
    return `${counted(checked)} answers of ${counted(amount)} requests are as described${outside}`
  },
)

function documented({ paths, components }: OpenApi): Documented[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { responses }]) => ({
      method: method.toUpperCase(),
      path: new RegExp(`^${path.replaceAll(/\{\w+\}/g, String.raw`(?!(?:\.|%2e){1,2}$)[^/?]+`)}$`, 'i'),
      responses: new Map(
        Object.entries(responses).map(([status, { content = {} }]) => [
          Number(status),
          new Map(Object.entries(content).map(([type, { schema }]) => [type, compiled(schema, components)])),
        ]),
      ),
    })),
  )
}

/** A check of a schema whose `$ref`s lead into the document. */
function compiled(schema: object, components: OpenApi['components']): Check {
  const check = Compile({ ...schema, components } as object)
  return (value) => check.Check(value)
}

/**
 * What it cannot judge: a pattern does not tell the range of 64 bits, Node answers 400 to methods that it does not know,
 * the server of this test has no keys, and lines of JSON are a media type that the tool does not write.
 */
const EXCLUDED = [
  ...['positive_data_acceptance', 'unsupported_method', 'ignored_auth'].flatMap((one) => [
    '--exclude-checks',
    one,
  ]),
  '--exclude-path',
  '/features',
]

/** The judgement of a tool that shares nothing with this project; empty if it is not installed. */
async function schemathesis(url: string, seed: number): Promise<string> {
  const tool = join(process.env.TRUST_VENV ?? join(import.meta.dirname, '.venv'), 'bin/schemathesis')
  if (!existsSync(tool)) return ''
  const version = execFileSync(tool, ['--version'], { encoding: 'utf8' }).trim()
  const options = ['--seed', String(seed), '--max-examples', '200', '--checks', 'all', ...EXCLUDED]
  const args = ['run', `${url}/openapi.json`, ...options]
  // It leaves a folder of its own.
  await promisify(execFile)(tool, args, { cwd: tmpdir(), maxBuffer: 2 ** 28 }).catch(
    ({ stdout }: { stdout: string }) => assert.fail(stdout.slice(-5000)),
  )
  return `; ${version} finds nothing wrong`
}
