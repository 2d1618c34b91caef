import { Command } from 'commander'
import { NearrankError } from '../../errors.ts'
import type { FindMaxResult, LoadTestResult, ServerOptions } from '../../loadtest/types.ts'
import type { CommandContext } from '../commandContext.ts'
import { addFlags, givenOptions } from '../flags/flags.ts'
import { LOADTEST_GROUPS, LOADTEST_OPTIONS, type LoadTestFlags } from '../flags/loadtest.ts'
import { LoadtestLive } from '../progress/loadtestLive.ts'
import { missedLimits, renderErrors, renderLoadTest, trialLine } from '../output/loadtestSummary.ts'
import { pickKeys, print, printError, printJson } from '../output/output.ts'
import { checkPagePlace, nameOfPath, writePage } from '../output/reportFile.ts'
import { machineName } from '../../machineName.ts'
import { packageVersion } from '../../packageVersion.ts'

const JSON_KEYS = ['rate', 'achievedRate', 'durationSeconds', 'ok', 'failed', 'latencyMs', 'limits'] as const
const SEARCH_ROWS = 10_000 // how far a search's rates go is not known before

/** `nearrank loadtest`: requests at a fixed rate, and whether the answers keep the limits. */
export function loadtestCommand({ interrupt, progress: shown }: CommandContext): Command {
  const command = new Command('loadtest')
    .summary('send requests at a fixed rate and check limits')
    .usage('--url <url> --requests <file> [options]')
    .description(
      'Sends each request when it is due, whether or not earlier ones have been answered.\n' +
        'Measures latency from the moment when a request is due. Exit code 1 if a limit is missed.',
    )
  for (const [heading, options] of LOADTEST_GROUPS) addFlags(command, heading, options)
  command.addHelpText(
    'after',
    '\nExample:\n  nearrank loadtest --url http://127.0.0.1:8080 --requests data/requests.parquet \\\n' +
      '    --rate 30 --duration 60 --p95 100',
  )

  return command.action(async () => {
    const flags: LoadTestFlags = givenOptions(command, LOADTEST_OPTIONS)
    const { url, requests, rate = 30, durationS = 60, warmupS = 2, trialS = 5, limits = {} } = flags
    if (url === undefined) throw wrong('--url URL is missing')
    if (requests === undefined)
      throw wrong('--requests FILE is missing; give one such as data/requests.parquet')
    checkSearch(flags)
    if (flags.page !== undefined) await checkPagePlace(flags.page)
    const [{ readPreparedRequests }, { runLoadTest }, { findMaxRate }] = await Promise.all([
      import('../../loadtest/readPreparedRequests.ts'),
      import('../../loadtest/runLoadTest.ts'),
      import('../../loadtest/findMaxRate.ts'),
    ])
    const apiKey = flags.apiKey ?? process.env.NEARRANK_API_KEY
    const prepared = await readPreparedRequests(requests, url, {
      rows: flags.findMax ? SEARCH_ROWS : Math.ceil(rate * (durationS + warmupS)),
      hasCandidates: flags.candidates ?? true,
      ...(apiKey ? { apiKey } : {}),
      signal: interrupt.signal,
    })

    const live = new LoadtestLive(shown.stream)
    const { timeoutMs, connections } = flags
    const options: ServerOptions = {
      url,
      requests: prepared,
      limits,
      keepTimeline: flags.page !== undefined,
      warmupMs: warmupS * 1000,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(connections === undefined ? {} : { connections }),
      signal: interrupt.signal,
      onProgress: (progress) => live.show(progress),
    }
    const running = flags.findMax
      ? findMaxRate({
          ...options,
          ...(flags.rate === undefined ? {} : { rate }),
          trialMs: trialS * 1000,
          onTrial: (trial) => live.line(trialLine(trial)),
        })
      : runLoadTest({ ...options, rate, durationMs: durationS * 1000 })
    const result = await running.finally(() => live.end())
    printResult(result, flags)
    if (flags.page !== undefined) await writeReport(flags.page, result, { url, requests, json: flags.json })
    endWith(result)
  })
}

function checkSearch({ findMax, durationS, trialS, limits = {} }: LoadTestFlags): void {
  const { errorShare: _, ...latencies } = limits
  if (findMax && durationS !== undefined)
    throw wrong('--find-max takes --trial-seconds instead of --duration')
  if (!findMax && trialS !== undefined) throw wrong('--trial-seconds needs --find-max')
  // Without one a server that queues for ever would do at any rate.
  if (findMax && Object.keys(latencies).length === 0)
    throw wrong('--find-max needs a latency limit, such as --p95 10')
}

function printResult(result: LoadTestResult | FindMaxResult, { json, findMax }: LoadTestFlags): void {
  if (!json) print(`${findMax ? 'Highest rate that meets the limits:\n\n' : ''}${renderLoadTest(result)}`)
  else {
    if (result.errors.length > 0) printError(renderErrors(result.errors))
    if ('trials' in result)
      printJson({ ...result, trials: result.trials.map((trial) => pickKeys(trial, JSON_KEYS)) }, [
        ...JSON_KEYS,
        'trials',
      ])
    else printJson(result, JSON_KEYS)
  }
}

async function writeReport(
  page: string,
  result: LoadTestResult | FindMaxResult,
  { url, requests, json = false }: { url: string; requests: string; json?: boolean | undefined },
): Promise<void> {
  const { renderLoadTestPage } = await import('../../loadtest/report/loadTestPage.ts')
  const context = {
    version: packageVersion(),
    madeAt: new Date().toISOString(),
    machine: machineName(),
    url,
    requests: nameOfPath(requests),
  }
  await writePage(page, renderLoadTestPage(result, context), { json })
}

/** @throws NearrankError where the exit code is not 0. */
function endWith({ isInterrupted, durationSeconds, limits }: LoadTestResult): void {
  if (isInterrupted)
    throw new NearrankError('ABORTED', `Interrupted after ${durationSeconds.toFixed(1)} s of measurement`)
  const missed = missedLimits(limits)
  if (missed !== '') throw new NearrankError('CONFLICT', `Limits missed: ${missed}`)
}

function wrong(problem: string): NearrankError {
  return new NearrankError('USAGE', `Cannot test: ${problem}. See nearrank loadtest --help`)
}
