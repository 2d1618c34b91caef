import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Ranked } from './oracle.ts'
import { type RawAnswer, RawConnection, requestBytes } from './rawConnection.ts'
import { type GeneratedRequest, RequestGenerator } from './requestGenerator.ts'
import { assertProblemAnswer, CENTRE, makeWorld, rankedList, serveWorld } from './serverFixture.ts'

const REQUESTS = 100_000
const AT_ONCE = 4
const PIPELINED = 10 // requests of a connection; all together fewer than may wait in a thread
const DEADLINE_MS = 20_000 // for the answers to what was sent at once: a hang fails, a slow machine does not

const { port } = await serveWorld(await makeWorld(), { workers: 2 })

test('100,000 generated requests: none is answered with a 5xx, none hangs, every error is a problem of the table', async () => {
  const statuses = new Map<number, number>()
  const routes = new Set<string>()
  const run = async (seed: number) => {
    const generator = new RequestGenerator(seed)
    const client = new Client()
    for (let done = 0; done < REQUESTS / AT_ONCE; done += PIPELINED) {
      const requests = Array.from({ length: PIPELINED }, () => generator.next())
      for (const [i, answer] of (await client.askAll(requests)).entries()) {
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
        routes.add(`${requests[i].request.split('/')[1]} ${answer.status}`)
        check(requests[i], answer)
      }
    }
    client.close()
  }
  await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => run(1 + i)))
  const count = (status: number) => statuses.get(status) ?? 0
  assert.ok(count(200) > 0.2 * REQUESTS, `${count(200)} lists`)
  assert.ok(count(400) > 0.2 * REQUESTS, `${count(400)} refused`)
  for (const status of [204, 404, 405, 415])
    assert.ok(count(status) > 100, `${count(status)} times ${status}`)
  for (const route of ['users 204', 'restaurants 204', 'features 200', 'features 400', 'recommend 404'])
    assert.ok(routes.has(route), route)
  assert.equal((await rankedList(await RawConnection.open(port), 1, { ...CENTRE, max_dist: 1e6 })).length, 20)
})

/** One client: its connection, and a new one whenever an answer has closed it, which it says. */
class Client {
  #connection: RawConnection | undefined

  async askAll(requests: GeneratedRequest[]): Promise<RawAnswer[]> {
    const answers: RawAnswer[] = []
    while (answers.length < requests.length) {
      const connection = this.#connection ?? (await RawConnection.open(port))
      this.#connection = connection
      const rest = requests.slice(answers.length)
      const coming = rest.map(() => connection.next())
      for (const answer of coming) answer.catch(() => undefined)
      connection.write(Buffer.concat(rest.map((one) => requestBytes(one.request, one.body, one.headers))))
      const deadline = setTimeout(() => connection.close(), DEADLINE_MS)
      for (const [i, answer] of coming.entries()) {
        answers.push(await answered(answer, rest[i]))
        if (answers.at(-1)?.headers.connection !== 'close') continue
        this.close()
        break
      }
      clearTimeout(deadline)
    }
    return answers
  }

  close(): void {
    this.#connection?.close()
    this.#connection = undefined
  }
}

async function answered(answer: Promise<RawAnswer>, asked: GeneratedRequest): Promise<RawAnswer> {
  try {
    return await answer
  } catch (error) {
    throw new Error(`no answer to ${shown(asked)}`, { cause: error })
  }
}

function check(asked: GeneratedRequest, answer: RawAnswer): void {
  const { status, body } = answer
  assert.ok(status < 500, `${status} ${body} for ${shown(asked)}`)
  if (status >= 400) {
    try {
      assertProblemAnswer(answer)
    } catch (error) {
      throw new Error(`a wrong problem for ${shown(asked)}`, { cause: error })
    }
  } else if (asked.request.startsWith('POST /recommend/')) {
    assert.equal(status, 200)
    for (const { score, displacement } of (JSON.parse(body) as { restaurants: Ranked[] }).restaurants)
      assert.ok(score >= 0 && score <= 1 && displacement >= 0, body)
  }
}

function shown({ request, body, headers }: GeneratedRequest): string {
  return `${request} ${headers['content-type']} ${body?.toString('latin1').slice(0, 500)}`
}
