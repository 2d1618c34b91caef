import { Command } from 'commander'
import { once } from 'node:events'
import { FILL_OPTIONS } from '../../dataset/options.ts'
import { NearrankError } from '../../errors.ts'
import { formatCount } from '../../format.ts'
import type { RunningServer } from '../../server/startServer.ts'
import { EXPOSED, isLoopback } from '../../server/loopback.ts'
import { DEFAULT_STORE } from '../../server/serveOptions.ts'
import type { CommandContext } from '../commandContext.ts'
import { type Interrupt, isAbort } from '../interrupt.ts'
import { addFlags, givenOptions } from '../flags/flags.ts'
import { PASSWORD_HELP, storeWithPassword } from '../storeWithPassword.ts'
import { emptyStoreNote } from '../output/emptyStoreNote.ts'
import { print, printError, printJson } from '../output/output.ts'
import { SERVE_OPTIONS, SERVE_OUTPUT, SERVE_PLACES, SERVE_PROTECTION } from '../flags/serve.ts'

/** `nearrank serve`: ranked places over HTTP, until it is told to stop. */
export function serveCommand({ interrupt, progress }: CommandContext): Command {
  const command = new Command('serve')
    .summary('rank restaurants near a user over HTTP')
    .usage('--model <dir> [options]')
    .description(
      'Serves ranked restaurants near a user, from features that can change at any moment.\n' +
        'SIGTERM or Ctrl+C stops it after answering what has arrived; SIGHUP reloads the model folder.\n' +
        PASSWORD_HELP,
    )
  addFlags(command, 'Paths:', SERVE_PLACES)
  addFlags(command, 'Serving:', SERVE_OPTIONS)
  addFlags(command, 'Protection:', SERVE_PROTECTION)
  addFlags(command, 'Output:', SERVE_OUTPUT)
  addFlags(command, 'Data (default: the columns that the model was trained with):', FILL_OPTIONS)
  command.addHelpText(
    'after',
    '\nExample:\n  nearrank serve --model model --data data --store sqlite:features.db --port 8080\n' +
      `  curl localhost:8080/recommend/42 -H 'content-type: application/json' \\\n` +
      `    -d '{"latitude": 13.8, "longitude": 100.5, "candidate_restaurant_ids": [1, 2, 3]}'`,
  )

  return command.action(async () => {
    // A model that comes while the server starts is loaded as soon as it has.
    let isNewer = false
    let reload = () => {
      isNewer = true
    }
    process.on('SIGHUP', () => reload())
    const { data, model, store, ...places } = givenOptions(command, SERVE_PLACES)
    const { apiKeys, ...limits } = givenOptions(command, SERVE_PROTECTION)
    const { json, ...output } = givenOptions(command, SERVE_OUTPUT)
    const options = givenOptions(command, SERVE_OPTIONS)
    if (model === undefined) throw new NearrankError('USAGE', 'Cannot serve: --model DIR is missing')
    const [{ startServer }, { readApiKeys }] = await Promise.all([
      import('../../server/startServer.ts'),
      import('../../server/keys/apiKeyFile.ts'),
    ])
    const starting = startServer({
      ...places,
      ...(store !== undefined && { store: storeWithPassword(store) }),
      ...options,
      ...limits,
      ...output,
      model,
      ...(data !== undefined && { fill: { ...givenOptions(command, FILL_OPTIONS), data } }),
      ...(apiKeys !== undefined && { apiKeys: readApiKeys(apiKeys) }),
      signal: interrupt.signal,
      onProgress: ({ stage, side, rowsDone, rowsTotal }) =>
        progress.update({ stage: `${stage} ${side}`, done: rowsDone, total: rowsTotal }),
    })
    const server = await unlessStopped(starting, interrupt)
    progress.end({ quiet: server === undefined })
    if (!server) return
    reload = () => void server.reload().catch(() => undefined) // the log tells what came of it
    if (isNewer) reload()
    const hasConsole = options.console !== false
    tellReady(server, { asJson: json === true, hasKeys: apiKeys !== undefined, hasConsole })
    const note = emptyStoreNote(server, { store: store ?? DEFAULT_STORE, model })
    if (note !== undefined) progress.line(note)
    await serveUntilTold(server, interrupt.signal)
  })
}

/** A server told to stop before it is ready has done what it was told, just like one that is ready. */
async function unlessStopped(
  starting: Promise<RunningServer>,
  { signal }: Interrupt,
): Promise<RunningServer | undefined> {
  try {
    return await starting
  } catch (error) {
    if (!signal.aborted || !isAbort(error)) throw error
    printError(`nearrank: Stopped before it was ready. ${error.message}`)
    return undefined
  }
}

function tellReady(
  server: RunningServer,
  { asJson, hasKeys, hasConsole }: { asJson: boolean; hasKeys: boolean; hasConsole: boolean },
): void {
  const { host, port, users, restaurants, workers } = server
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  if (asJson)
    printJson({ url, host, port, workers, users, restaurants }, [
      'url',
      'host',
      'port',
      'workers',
      'users',
      'restaurants',
    ])
  else
    print(
      `Serving ${formatCount(restaurants)} restaurants to ${formatCount(users)} users on ${url} (${workers === 1 ? '1 worker' : `${workers} workers`}).\n` +
        `${hasConsole ? `See it at ${url}/, try its API` : 'Try its API'} at ${url}/docs. Press Ctrl+C to stop.` +
        (hasKeys || isLoopback(host) ? '' : `\n${EXPOSED}.`),
    )
}

async function serveUntilTold(server: RunningServer, signal: AbortSignal): Promise<void> {
  try {
    if (!signal.aborted) await Promise.race([once(signal, 'abort'), server.crashed])
  } finally {
    await server.stop()
  }
}
