import { readRequests } from '../../src/dataset/requests.ts'
import { toldFeatures } from '../../src/features/featureSpec.ts'
import type { RawRow } from '../../src/features/rawRow.ts'
import { loadModelDescription } from '../../src/model/modelDirectory.ts'
import { ask, say, Stopped } from './shell.ts'

const SHOWN = 5 // restaurants
const NUMBERS_SHOWN = 3

interface Answer {
  restaurants: { id: number; score: number; displacement: number }[]
}

/** A request of the file for the server, with the context that the model takes. */
export interface DemoRequest {
  row: number
  user: string
  body: { latitude: number; longitude: number; size: number; context?: Record<string, unknown> }
}

/** Of a file's requests that are sorted by score, the one that tells most; for all restaurants within 5 km. */
export async function chooseRequest(path: string, model: string): Promise<DemoRequest> {
  const { features } = await loadModelDescription(model)
  const requests = await readRequests(path, { context: toldFeatures(features?.context ?? []), limit: 100 })
  const told = requests.map(({ sortDist, context = {} }) => (sortDist ? -1 : Object.keys(context).length))
  const row = told.indexOf(Math.max(...told))
  const { userId, latitude, longitude, context } = requests[row]
  const place = { latitude: Number(latitude.toFixed(5)), longitude: Number(longitude.toFixed(5)) }
  return { row, user: String(userId), body: { ...place, size: 50, ...(context && { context }) } }
}

/** One request, an update of its user by name to likes of the last in the list, and the same request again. */
export async function updateLikes(url: string, { user, body }: DemoRequest): Promise<void> {
  const before = await recommend(url, user, body)
  const last = before.restaurants[before.restaurants.length - 1].id
  const { features } = await ask<{ features: RawRow }>(`${url}/users/${user}`)
  say(JSON.stringify(features))
  const restaurant = await ask<{ features: RawRow }>(`${url}/restaurants/${last}`)
  say(JSON.stringify(restaurant.features))
  const likes = restaurant.features.cuisines
  await ask(`${url}/users/${user}`, {
    method: 'PUT',
    body: { features: { ...features, liked_cuisines: likes } },
  })
  const after = await recommend(url, user, body)
  showChange(before, after)
  const placeIn = ({ restaurants }: Answer) => restaurants.findIndex(({ id }) => id === last) + 1
  say(
    `User ${user} now likes what restaurant ${last} serves: it was number ${placeIn(before)}, at once it is number ${placeIn(after) || 'above 50'}.`,
  )
}

/** The same for a user of numbers, who gets the opposite features. */
export async function updateNumbers(url: string): Promise<void> {
  const body = { latitude: 13.8, longitude: 100.5, size: SHOWN }
  const before = await recommend(url, 'u00042', body)
  const { features } = await ask<{ features: number[] }>(`${url}/users/42`, { shown: '' })
  const opposite = features.map((feature) => -feature)
  await ask(`${url}/users/42`, {
    method: 'PUT',
    body: { features: opposite },
    shown: `{"features":[${opposite.slice(0, NUMBERS_SHOWN).join(',')}, …]}`,
  })
  showChange(before, await recommend(url, 'u00042', body))
  say('User 42 was given the opposite features; the next request is ranked with them.')
}

async function recommend(url: string, user: string, body: object): Promise<Answer> {
  const answer = await ask<Answer>(`${url}/recommend/${user}`, { method: 'POST', body })
  if (answer.restaurants.length === 0) throw new Stopped('No restaurant is within reach of the request.')
  const few = answer.restaurants.slice(0, 2).map(({ id, score, displacement }) => ({
    id,
    score: Number(score.toFixed(4)),
    displacement: Number(displacement.toFixed(1)),
  }))
  say(`${JSON.stringify({ restaurants: few }).slice(0, -2)}, …]}`)
  return answer
}

function showChange(before: Answer, after: Answer): void {
  const listOf = ({ restaurants }: Answer) =>
    restaurants
      .slice(0, SHOWN)
      .map(({ id, score }) => `${id} (${score.toFixed(3)})`)
      .join(', ')
  if (listOf(before) === listOf(after)) throw new Stopped('The update of the user changed nothing.')
  say(`\nbefore  ${listOf(before)}\nafter   ${listOf(after)}`)
}
