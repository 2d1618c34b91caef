import { NearrankError } from '../../errors.ts'
import { shown } from '../../shown.ts'
import { type Side, SIDES } from '../../features/featureSpec.ts'
import { ID_KINDS, isIdKind } from '../../ids.ts'
import type { OpenStoreOptions, SideLayout, StoreLayout } from '../featureStore.ts'
import { type AgreedLayout, agreeOnLayout, newLayout, parseNames } from '../layout.ts'
import type { RedisAddress } from './address.ts'
import type { RedisCommand, RedisConnection } from './connection.ts'
import { redisError, RedisRefusal } from './errors.ts'
import { TOKEN_FIELD } from './look.ts'

const FORMAT = '1' // both sides hold vectors, as version 0.1 wrote them
const FORMAT_WITH_VALUES = '2'
const PLACE_FIELDS = new Set(['latitude', 'longitude'])

/**
 * The layout of the data behind `connection`: as the hash `<prefix>meta`
 * says, or as `wanted`, which is then written there.
 * @throws NearrankError INPUT where the two differ, UNAVAILABLE and others where the server cannot answer.
 */
export async function redisLayout(
  connection: RedisConnection,
  { address, wanted }: { address: RedisAddress; wanted: OpenStoreOptions },
): Promise<StoreLayout> {
  const key = metaKey(address)
  try {
    const found = await readLayout(connection, key)
    const agreed = found && agree(found, { key, wanted })
    if (agreed?.unnamed.length === 0) return agreed.layout
    const layout = agreed?.layout ?? checkFields(await newLayout(wanted))
    await writeMeta(connection, { key, layout })
    const written = await readLayout(connection, key) // somebody else's, who was faster
    return written ? agree(written, { key, wanted }).layout : layout
  } catch (error) {
    throw redisError('agree on the layout of the data with', error, address)
  }
}

/** The key of the hash with the layout. */
export function metaKey({ prefix }: RedisAddress): string {
  return `${prefix}meta`
}

function agree(found: StoreLayout, { key, wanted }: { key: string; wanted: OpenStoreOptions }): AgreedLayout {
  const agreed = agreeOnLayout(found, wanted.layout)
  if (typeof agreed !== 'string') return agreed
  const advice =
    'use the model and data that it was filled for, or fill another prefix with nearrank load --model'
  throw unusable(`${agreed} in ${key}; ${advice}`)
}

/** @throws NearrankError INPUT where a feature is called as a field that rows have anyway. */
function checkFields(layout: StoreLayout): StoreLayout {
  const { form, names = [] } = layout.restaurants
  const taken = form === 'values' ? names.find((name) => PLACE_FIELDS.has(name)) : undefined
  if (taken === undefined) return layout
  throw new NearrankError(
    'INPUT',
    `Cannot make a store in Redis: no feature of restaurants may be called ${taken}, which is the field of the place; choose other columns, or a SQLite store`,
  )
}

/** What the hash says, checked completely; undefined: there is none. */
async function readLayout(connection: RedisConnection, key: string): Promise<StoreLayout | undefined> {
  const meta = { ...((await connection.send(['HGETALL', key])) as Record<string, string>) }
  // A look at a database that has just been emptied leaves its token alone.
  if (Object.keys(meta).every((name) => name === TOKEN_FIELD)) return undefined
  const advice = 'use another prefix, or the version of Nearrank that wrote it'
  const field = (name: string) => `the field ${name} of ${key}`
  if (meta.format !== FORMAT && meta.format !== FORMAT_WITH_VALUES)
    throw unusable(
      `${field('format')} must be ${FORMAT} or ${FORMAT_WITH_VALUES}, found ${shownField(meta.format)}; ${advice}`,
    )
  const side = (name: Side): SideLayout => {
    const features = meta[`${name}.features`]
    if (!/^[1-9]\d{0,8}$/.test(features ?? ''))
      throw unusable(
        `${field(`${name}.features`)} must be a number of features, found ${shownField(features)}; ${advice}`,
      )
    const ids = meta[`${name}.ids`]
    if (!isIdKind(ids))
      throw unusable(
        `${field(`${name}.ids`)} must be ${ID_KINDS.join(', ')}, found ${shownField(ids)}; ${advice}`,
      )
    const json = meta[`${name}.names`]
    const names = json === undefined ? undefined : parseNames(json, Number(features))
    if (json !== undefined && names === undefined)
      throw unusable(
        `${field(`${name}.names`)} must be a JSON list of ${features} names, found ${shownField(json)}; correct it or delete it`,
      )
    const form = meta.format === FORMAT_WITH_VALUES ? meta[`${name}.form`] : undefined
    if (form !== undefined && form !== 'values')
      throw unusable(`${field(`${name}.form`)} must be values, found ${shownField(form)}; ${advice}`)
    if (form && !names)
      throw unusable(`${field(`${name}.names`)} must name the ${features} features, found none; ${advice}`)
    return { features: Number(features), ids, ...(names && { names }), ...(form && { form }) }
  }
  return { users: side('users'), restaurants: side('restaurants') }
}

/**
 * Only the fields that are not there yet, and all at once. A server
 * that takes no writes now may still be read from.
 */
async function writeMeta(
  connection: RedisConnection,
  { key, layout }: { key: string; layout: StoreLayout },
): Promise<void> {
  const hasValues = SIDES.some((side) => layout[side].form === 'values')
  const format = hasValues ? FORMAT_WITH_VALUES : FORMAT
  const fields: RedisCommand[] = [['HSETNX', key, 'format', format]]
  for (const side of SIDES) {
    const { features, ids, names, form } = layout[side]
    fields.push(
      ['HSETNX', key, `${side}.features`, String(features)],
      ['HSETNX', key, `${side}.ids`, ids],
      ...(names ? [['HSETNX', key, `${side}.names`, JSON.stringify(names)]] : []),
      ...(form ? [['HSETNX', key, `${side}.form`, form]] : []),
    )
  }
  const replies = await Promise.allSettled(
    // A look at the database may have left a watch, which would stop this for what the watch has seen.
    [['UNWATCH'], ['MULTI'], ...fields, ['EXEC']].map((command) => connection.send(command)),
  )
  for (const reply of replies)
    if (reply.status === 'rejected' && !connection.isErrorReply(reply.reason)) throw reply.reason
}

function unusable(problem: string): NearrankError {
  return new RedisRefusal(
    'INPUT',
    `Cannot use the data in Redis: ${problem}`,
    'its description of the data does not fit what is served; the log says why',
  )
}

function shownField(value: string | undefined): string {
  return value === undefined ? 'none' : shown(value)
}
