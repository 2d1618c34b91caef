import { join } from 'node:path'
import { Random } from '../../src/random.ts'
import { RawConnection } from '../server/rawConnection.ts'
import { ServeProcess } from '../server/serveProcess.ts'
import { sha256 } from './recordRuns.ts'

const REQUESTS = 260
const ODD_REQUESTS = 40
const ROWS = 30

/** The first 16 digits of the SHA-256 of each answer's status and body, in the order of the requests. */
export interface RecordedAnswers {
  ranked: string[]
  odd: string[] // from data with string ids
  rows: string[] // of users and restaurants
}

interface Ask {
  line: string
  body?: string
}

/** What the built command line answers over HTTP to 300 requests, from the data and models of `recordRuns`. */
export async function recordAnswers(folder: string): Promise<RecordedAnswers> {
  const random = new Random(300)
  const ranked = Array.from({ length: REQUESTS }, (_, i) => request(random, i))
  const odd = Array.from({ length: ODD_REQUESTS }, (_, i) => oddRequest(random, i))
  const rows = Array.from({ length: ROWS }, (_, i) => ({
    line: i % 2 === 0 ? `GET /users/${i * 11}` : `GET /restaurants/${i * 7}`,
  }))
  const [first, second] = await Promise.all([
    answers(folder, 'model', 'data', [...ranked, ...rows]),
    answers(folder, 'odd-model', 'odd', odd),
  ])
  return { ranked: first.slice(0, REQUESTS), odd: second, rows: first.slice(REQUESTS) }
}

async function answers(folder: string, model: string, data: string, asks: Ask[]): Promise<string[]> {
  const store = `sqlite:${join(folder, `${model}.db`)}`
  const args = [
    '--model',
    join(folder, model),
    '--data',
    join(folder, data),
    '--store',
    store,
    '--workers',
    '1',
  ]
  const server = await ServeProcess.start(args)
  const connection = await RawConnection.open(server.port)
  const hashes: string[] = []
  for (const { line, body } of asks) {
    const answer = await connection.send(line, body)
    hashes.push(sha256(`${answer.status}\n${answer.body}`).slice(0, 16))
  }
  connection.close()
  server.signal('SIGKILL')
  await server.ended()
  return hashes
}

/** Every form that a request may have: ids as numbers and as digits, unknown and repeated ones, none at all. */
function request(random: Random, i: number): Ask {
  const candidates = Array.from({ length: 1 + random.below(200) }, () => random.below(330))
  const user = random.below(400)
  const body = {
    ...(i % 4 !== 3 && { candidate_restaurant_ids: i % 7 === 0 ? candidates.map(String) : candidates }),
    latitude: 13.58 + 0.6 * random.float(),
    longitude: 100.3 + 0.55 * random.float(),
    ...(i % 5 !== 0 && { size: 1 + random.below(120) }),
    ...(i % 3 !== 0 && { max_dist: 1000 * random.below(60) }),
    ...(i % 2 === 0 && { sort_dist: i % 6 === 0 }),
  }
  const id = i % 8 === 0 ? `u${String(user).padStart(6, '0')}` : String(user)
  return { line: `POST /recommend/${id}`, body: JSON.stringify(body) }
}

function oddRequest(random: Random, i: number): Ask {
  const candidates = Array.from({ length: 1 + random.below(30) }, () => `r${random.below(75)}`)
  const body = {
    ...(i % 4 !== 3 && { candidate_restaurant_ids: candidates }),
    latitude: 13.5 + 0.5 * random.float(),
    longitude: 100.5 + 0.4 * random.float(),
    max_dist: 1000 * random.below(60),
    sort_dist: i % 5 === 0,
  }
  const id = encodeURIComponent(`ü-${(random.below(90) * 7919) % 1000}`)
  return { line: `POST /recommend/${id}`, body: JSON.stringify(body) }
}
