import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Ranked } from './oracle.ts'
import { type RawAnswer, RawConnection, requestBytes } from './rawConnection.ts'
import { type GeneratedRequest, RequestGenerator } from './requestGenerator.ts'
import { assertProblemAnswer } from './serverFixture.ts'

const AT_ONCE = 4
const PIPELINED = 10 // requests of a connection; all together fewer than may wait in a thread
const LOAD_TRIES = 100
const LOAD_AGAIN_MS = 20
const DEADLINE_MS = 20_000 // for the answers to what was sent at once: a hang fails, a slow machine does not

export interface SentRequests {
  statuses: Map<number, number> // how often each came
  routes: Set<string> // "users 204" and such
}

/**
 * Sends so many generated requests and asserts of each answer that it is no 5xx, and a problem of the table or
 * what its route promises; `check`: whatever else is to be asserted.
 */
export async function sendGenerated(
  port: number,
  requests: number,
  { seed = 1, check }: { seed?: number; check?: (asked: GeneratedRequest, answer: RawAnswer) => void } = {},
): Promise<SentRequests> {
  const statuses = new Map<number, number>()
  const routes = new Set<string>()
  const run = async (own: number) => {
    const generator = new RequestGenerator(own)
    const client = new Client(port)
    for (let done = 0; done < requests / AT_ONCE; done += PIPELINED) {
      const some = Array.from({ length: PIPELINED }, () => generator.next())
      for (const [i, first] of (await client.askAll(some)).entries()) {
        const answer = isRefusedLoad(some[i], first) ? await client.load(some[i]) : first
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
        routes.add(`${some[i].request.split('/')[1]} ${answer.status}`)
        checkAnswer(some[i], answer)
        check?.(some[i], answer)
      }
    }
    client.close()
  }
  await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => run(seed + i)))
  return { statuses, routes }
}

/** One client: its connection, and a new one whenever an answer has closed it, which it says. */
class Client {
  readonly #port: number
  #connection: RawConnection | undefined

  constructor(port: number) {
    this.#port = port
  }

  async askAll(requests: GeneratedRequest[]): Promise<RawAnswer[]> {
    const answers: RawAnswer[] = []
    while (answers.length < requests.length) {
      const connection = this.#connection ?? (await RawConnection.open(this.#port))
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

  /** Sends a load until it is taken, for those of other clients may be running. */
  async load(asked: GeneratedRequest): Promise<RawAnswer> {
    for (let tries = 0; tries < LOAD_TRIES; tries++) {
      await sleep(LOAD_AGAIN_MS)
      const [answer] = await this.askAll([asked])
      if (!isRefusedLoad(asked, answer)) return answer
    }
    return assert.fail(`${LOAD_TRIES} times refused: ${shown(asked)}`)
  }

  close(): void {
    this.#connection?.close()
    this.#connection = undefined
  }
}

/** As many loads were running as may. */
function isRefusedLoad({ request }: GeneratedRequest, { status, body, headers }: RawAnswer): boolean {
  const isTold = status === 503 && headers['retry-after'] === '1' && body.includes('OVERLOADED')
  return isTold && request.startsWith('POST /features')
}

async function answered(answer: Promise<RawAnswer>, asked: GeneratedRequest): Promise<RawAnswer> {
  try {
    return await answer
  } catch (error) {
    throw new Error(`no answer to ${shown(asked)}`, { cause: error })
  }
}

function checkAnswer(asked: GeneratedRequest, answer: RawAnswer): void {
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
