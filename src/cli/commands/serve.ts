import { Command } from 'commander'
import { once } from 'node:events'
import { NearrankError } from '../../errors.ts'
import { formatCount } from '../../format.ts'
import type { ServeOptions } from '../../server/serveOptions.ts'
import type { RunningServer } from '../../server/startServer.ts'
import { CONFIG_SCHEMA } from '../../training/settings/settings.ts'
import type { CommandContext } from '../commandContext.ts'
import { DATASET_FLAGS } from '../flags/dataset.ts'
import { addFlags, givenOptions } from '../flags/flags.ts'
import { print, printJson } from '../output/output.ts'
import { SERVE_FLAGS, SERVE_LIMIT_FLAGS, SERVE_OUTPUT_FLAGS, SERVE_PLACE_FLAGS } from '../flags/serve.ts'

/** `nearrank serve`: ranked places over HTTP, until it is told to stop. */
export function serveCommand({ interrupt, progress }: CommandContext): Command {
  const command = new Command('serve')
    .summary('ranked places over HTTP')
    .usage('--model <dir> [options]')
    .description(
      'Serves ranked restaurants near a user, from features that can change at any moment.\n' +
        'SIGTERM or Ctrl+C answers what has arrived and stops; SIGHUP loads the model folder again.',
    )
  // Clicks are not read here, so their flags are left out.
  const datasetFlags = DATASET_FLAGS.filter(
    ({ key }) => !['trainFiles', 'testFiles', 'columns.click', 'onMissing'].includes(key),
  )
  addFlags(command, 'Places:', SERVE_PLACE_FLAGS)
  addFlags(command, 'Serving:', SERVE_FLAGS)
  addFlags(command, 'Protection:', SERVE_LIMIT_FLAGS)
  addFlags(command, 'Output:', SERVE_OUTPUT_FLAGS)
  addFlags(command, 'Data (default: as the model was trained):', datasetFlags, CONFIG_SCHEMA)
  command.addHelpText(
    'after',
    '\nExample:\n  nearrank serve --model model --data data --store sqlite:features.db --port 8080\n' +
      `  curl localhost:8080/recommend/42 -H 'content-type: application/json' \\\n` +
      `    -d '{"latitude": 13.8, "longitude": 100.5, "candidate_restaurant_ids": [1, 2, 3]}'`,
  )

  return command.action(async () => {
    const { data, model, ...places } = givenOptions(command, SERVE_PLACE_FLAGS)
    const { apiKeys, ...limits } = givenOptions(command, SERVE_LIMIT_FLAGS)
    const { json, ...output } = givenOptions(command, SERVE_OUTPUT_FLAGS)
    if (typeof model !== 'string') throw new NearrankError('USAGE', 'Cannot serve: --model DIR is missing')
    const [{ startServer }, { readApiKeys }] = await Promise.all([
      import('../../server/startServer.ts'),
      import('../../server/keys/apiKeyFile.ts'),
    ])
    let running: RunningServer | undefined
    process.on('SIGHUP', () => void running?.reload().catch(() => undefined)) // the log tells what came of it
    const server = await startServer({
      ...(places as Pick<ServeOptions, 'store' | 'ids'>),
      ...(givenOptions(command, SERVE_FLAGS) as Pick<
        ServeOptions,
        'host' | 'port' | 'workers' | 'unknownUser'
      >),
      ...(limits as Pick<ServeOptions, 'candidatesMax' | 'waitingMax' | 'drainSeconds'>),
      ...(output as Pick<ServeOptions, 'logLevel'>),
      model,
      ...(typeof data === 'string' && { fill: { ...givenOptions(command, datasetFlags), data } }),
      ...(typeof apiKeys === 'string' && { apiKeys: readApiKeys(apiKeys) }),
      signal: interrupt.signal,
      onProgress: ({ stage, side, rowsDone, rowsTotal }) =>
        progress.update({ stage: `${stage} ${side}`, done: rowsDone, total: rowsTotal }),
    })
    running = server
    progress.end()
    tellReady(server, json === true)
    await serveUntilTold(server, interrupt.signal)
  })
}

function tellReady(server: RunningServer, asJson: boolean): void {
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
      `Serving ${formatCount(restaurants)} restaurants to ${formatCount(users)} users on ${url} (${workers} workers).\n` +
        `Try it at ${url}/docs; Ctrl+C stops it.`,
    )
}

async function serveUntilTold(server: RunningServer, signal: AbortSignal): Promise<void> {
  try {
    if (!signal.aborted) await Promise.race([once(signal, 'abort'), server.crashed])
  } finally {
    await server.stop()
  }
}
