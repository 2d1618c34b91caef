import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { markdownTable, replaceSection, wrap } from '../../bench/peers/markdown.ts'
import { statTicks } from '../../bench/peers/processTree.ts'
import { realisticTable, realisticVerdict } from '../../bench/peers/realisticTable.ts'
import { comparisonSections } from '../../bench/peers/section.ts'
import { servingTable } from '../../bench/peers/servingTable.ts'
import { ratiosOf, ratioText, spreadOf, spreadText } from '../../bench/peers/spread.ts'
import { trainingTable, verdict } from '../../bench/peers/trainingTable.ts'
import type {
  Comparison,
  Realistic,
  RealisticRun,
  ServingRun,
  TrainingRounds,
  TrainingRun,
} from '../../bench/peers/types.ts'

const MIB = 2 ** 20

describe('spread', () => {
  test('the median of an odd and of an even number of figures, in any order', () => {
    assert.deepEqual(spreadOf([3, 1, 2]), { median: 2, lowest: 1, highest: 3 })
    assert.deepEqual(spreadOf([10, 1, 4, 2]), { median: 3, lowest: 1, highest: 10 })
    assert.throws(() => spreadOf([]), RangeError)
  })

  test('half of the figures are on either side of the median', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true, min: -1e9, max: 1e9 }), { minLength: 1 }), (figures) => {
        const { median, lowest, highest } = spreadOf(figures)
        assert.ok(figures.filter((figure) => figure <= median).length >= figures.length / 2)
        assert.ok(figures.filter((figure) => figure >= median).length >= figures.length / 2)
        assert.equal(lowest, Math.min(...figures))
        assert.equal(highest, Math.max(...figures))
      }),
    )
  })

  test('the range is left out where it reads like the median', () => {
    const oneDigit = (figure: number) => figure.toFixed(1)
    assert.equal(spreadText([1, 3, 2], oneDigit), '2.0 (1.0–3.0)')
    assert.equal(spreadText([2.01, 2, 1.99], oneDigit), '2.0')
  })

  test("each round's ratio is of its own figures: 2, 5 and 3, not that of the medians", () => {
    assert.deepEqual(ratiosOf([20, 100, 60], [10, 20, 20]), [2, 5, 3])
    assert.equal(ratioText([20, 100, 60], [10, 20, 20]), '3.0 × (2.0–5.0)')
    assert.equal(ratioText([2500], [100]), '25 ×')
    assert.equal(ratioText([2500], [0]), '–')
  })
})

describe('the marked section', () => {
  const page = 'above\n<!-- peers:begin -->\nold\n<!-- peers:end -->\nbelow\n'

  test('only what lies between the marks is replaced, as often as wanted', () => {
    const once = replaceSection(page, 'new\n')
    assert.equal(once, 'above\n<!-- peers:begin -->\nnew\n<!-- peers:end -->\nbelow\n')
    assert.equal(replaceSection(once, 'new'), once)
    assert.match(replaceSection(page, '$& $1'), /\n\$& \$1\n/)
  })

  test('a section of another name has marks of its own', () => {
    const both = `${page}<!-- realistic:begin -->\n<!-- realistic:end -->\n`
    assert.equal(
      replaceSection(both, 'rows', 'realistic'),
      `${page}<!-- realistic:begin -->\nrows\n<!-- realistic:end -->\n`,
    )
    assert.throws(() => replaceSection(page, 'rows', 'realistic'), /realistic:begin/)
  })

  test('marks that are missing, doubled or the wrong way round are refused', () => {
    for (const wrong of [
      'above\nbelow\n',
      page.replace('<!-- peers:end -->', ''),
      page.replace('<!-- peers:begin -->', ''),
      page + page,
      '<!-- peers:end -->\n<!-- peers:begin -->\n',
    ])
      assert.throws(() => replaceSection(wrong, 'new'), /each once/)
  })

  test('prose has lines of at most 110 characters and keeps its words; a table has its figures to the right', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-z–×]{1,30}$/), { minLength: 1 }), (words) => {
        const lines = wrap(words.join(' ')).split('\n')
        assert.ok(lines.every((line) => line.length <= 110))
        assert.deepEqual(lines.join(' ').split(' '), words)
      }),
    )
    assert.equal(markdownTable(['', 'a'], [['b', '1']]), '|  | a |\n| --- | ---: |\n| b | 1 |')
  })
})

describe('training', () => {
  test('each side beside Nearrank: speed of the epoch and with packing, memory, accuracy', () => {
    const [streaming] = rowOf(trainingTable(rounds()), 'PyTorch, streaming')
    assert.deepEqual(streaming, [
      '200,000',
      '4 min 10 s',
      '10 ×',
      '8.3 ×',
      '5.0 ×',
      '9.00 s',
      '1.2 GiB',
      '3.0 ×',
      '0.9500',
    ])
    const [packed] = rowOf(trainingTable(rounds()), 'with packing')
    assert.equal(packed[0], '1,000,000')
  })

  test('LightGBM may be left out', () => {
    const { lightgbm: _, ...round } = rounds()[0]
    assert.doesNotMatch(trainingTable([round]), /LightGBM/)
    assert.match(trainingTable(rounds()), /LightGBM: 60 rounds/)
  })

  test('the comparison counts only with the same steps and accuracies within 0.005', () => {
    assert.match(verdict(rounds()), /0\.0000 apart/)
    assert.match(verdict(rounds({ accuracy: 0.9449 })), /^\*\*This comparison does not count.*0\.0051 apart/)
    assert.doesNotMatch(verdict(rounds({ accuracy: 0.9451 })), /\*\*/)
    assert.match(verdict(rounds({ steps: 611 })), /^\*\*This comparison does not count.*steps/)
    assert.match(trainingTable(rounds({ accuracy: 0.5 })), /\*\*This comparison does not count/)
  })

  test('LightGBM, which makes no steps, is not held to them', () => {
    const [round] = rounds()
    assert.doesNotMatch(verdict([{ ...round, lightgbm: training({ steps: 60, accuracy: 0.8 }) }]), /\*\*/)
  })
})

describe('serving', () => {
  const agreement = { requests: 200, sameIds: 199, maxScoreDifference: 3e-7, maxDisplacementDifference: 5e-4 }

  test('rates, ratios, latencies, processor time and memory, those of Redis beside', () => {
    const table = servingTable({
      agreements: { redis: agreement },
      rounds: [
        { nearrank: server(9000), redis: server(150, { cpuRate: 75, redisCpuMs: 0.5, redisBytes: MIB }) },
      ],
    })
    assert.deepEqual(rowOf(table, 'Nearrank, 2 workers'), [
      ['9,000', '', '1.00, 2.00, 3.00 ms', '4.00 ms', '100 MiB'],
    ])
    assert.deepEqual(rowOf(table, 'FastAPI, features from Redis, 2 workers'), [
      ['150', '60 ×', '1.00, 2.00, 3.00 ms', '4.00 + 0.50 ms at 75/s', '100 MiB + 1 MiB'],
    ])
    assert.match(table, /199 of\s200 answers/)
    assert.doesNotMatch(table, /NumPy/)
  })

  test('requests that failed are told in bold', () => {
    const table = servingTable({
      agreements: { memory1: agreement },
      rounds: [{ nearrank: server(9000), memory1: server(450, { failed: 7 }) }],
    })
    assert.match(table, /\*\*7 requests at fixed rates failed\.\*\*/)
  })
})

describe('realistic rows', () => {
  test('each side, without ids and with them: accuracy, distance to the ceiling, speed, memory', () => {
    const table = realisticTable(realistic())
    assert.deepEqual(rowOf(table, 'Nearrank'), [
      ['0.7800', '0.0015', '0.2840', '1,000,000', '', '2 epochs, 2', '9.00 s', '20.0 s', '300 MiB'],
      ['0.8200', '0.0135', '0.2840', '1,000,000', '', '2 epochs, 2', '9.00 s', '20.0 s', '300 MiB'],
    ])
    const [torch] = rowOf(table, 'PyTorch, embeddings')
    assert.deepEqual(torch.slice(3, 6), ['250,000', '4.0 ×', '4 epochs, 3'])
    const [lightgbm] = rowOf(table, 'LightGBM')
    assert.deepEqual(lightgbm.slice(3, 6), ['', '', '200 trees, 180'])
    assert.match(table, /hold out 500,000 and Nearrank\s500,000 to choose/)
  })

  test('what Nearrank misses is told in bold: 0.002 below the best peer, 5 times the rows/s of PyTorch', () => {
    const below = (auc: number) => realisticVerdict(realistic({ auc }).rounds, 'withoutIds')
    assert.match(below(0.7819), /^Nearrank's AUC is 0\.0019 below that of the best peer, CatBoost/)
    assert.match(below(0.7821), /^\*\*Nearrank's AUC is 0\.0021 below/)
    assert.match(below(0.7701), /0\.0050 above that of the best peer, PyTorch/)
    assert.match(below(0.7701), /\*\*Nearrank is 4\.0 times as fast[^*]*\*\*$/)
    const faster = realistic()
    faster.rounds[0].withoutIds.nearrank.trainSeconds = 7
    assert.match(realisticVerdict(faster.rounds, 'withoutIds'), /[^*]Nearrank is 5\.1 times as fast[^*]*$/)
  })

  test('only what was measured becomes a section', () => {
    const comparison = { date: 'd', commit: 'c', machine: 'm', versions: [], command: 'bench/peers/run' }
    const sections = (parts: Partial<Comparison>) =>
      Object.keys(comparisonSections({ ...comparison, ...parts }))
    assert.deepEqual(sections({ realistic: realistic() }), ['realistic'])
    assert.deepEqual(sections({ training: rounds() }), ['peers'])
    assert.deepEqual(sections({ training: rounds(), realistic: realistic() }), ['peers', 'realistic'])
  })
})

describe('the process tree', () => {
  test('times are read behind a name with spaces and brackets: 10 + 20 + 30 + 40 ticks', () => {
    assert.equal(statTicks('42 (a) b) c) S 1 1 1 0 -1 4194560 1 2 3 4 10 20 30 40 20 0 9 0'), 100)
  })
})

function rounds(streaming: Partial<TrainingRun> = {}): TrainingRounds {
  const peer = training({ epochSeconds: 5, wholeSeconds: 9, peakBytes: 1200 * 1.024 * MIB })
  return [
    {
      nearrank: training({ packSeconds: 0.5, ownPeakBytes: 400 * MIB }),
      plain: training({ epochSeconds: 0.6 }),
      streaming: { ...peer, ...streaming },
      tuned: peer,
      folded: peer,
      lightgbm: { ...peer, steps: 60 },
    },
  ]
}

function training(figures: Partial<TrainingRun>): TrainingRun {
  return {
    rows: 1_000_000,
    steps: 977,
    threads: 2,
    epochSeconds: 0.5,
    packSeconds: 0,
    wholeSeconds: 3,
    peakBytes: 400 * 1.024 * MIB,
    ownPeakBytes: null,
    accuracy: 0.95,
    ...figures,
  }
}

/** Nearrank at AUC 0.78 without ids; the best peer is CatBoost if its AUC is given, else PyTorch at 0.775. */
function realistic(catboost: Partial<RealisticRun> = {}): Realistic {
  const sides = (own: number) => ({
    nearrank: realisticRun({ auc: own, rounds: 2, kept: 2 }),
    torch: realisticRun({ rounds: 4, kept: 3, trainSeconds: 72 }),
    lightgbm: realisticRun({ rounds: 200, kept: 180 }),
    catboost: realisticRun({ auc: 0.77, rounds: 300, kept: 300, ...catboost }),
  })
  return {
    rows: 5_000_000,
    testRows: 500_000,
    ceilings: { withoutIds: { auc: 0.7815, logLoss: 0.2837 }, withIds: { auc: 0.8335, logLoss: 0.2579 } },
    rounds: [{ withoutIds: sides(0.78), withIds: sides(0.82) }],
  }
}

function realisticRun(figures: Partial<RealisticRun>): RealisticRun {
  return {
    rows: 4_500_000,
    rounds: 1,
    kept: 1,
    trainSeconds: 9,
    wholeSeconds: 20,
    peakBytes: 300 * MIB,
    auc: 0.775,
    logLoss: 0.284,
    ...figures,
  }
}

function server(highestRate: number, figures: Partial<ServingRun> = {}): ServingRun {
  return {
    highestRate,
    latencyMs: { p50: 1, p95: 2, p99: 3 },
    cpuRate: 300,
    cpuMs: 4,
    redisCpuMs: null,
    peakBytes: 100 * MIB,
    redisBytes: null,
    failed: 0,
    ...figures,
  }
}

/** Cells behind the name, of every row that has it. */
function rowOf(table: string, name: string): string[][] {
  return table
    .split('\n')
    .filter((line) => line.startsWith(`| ${name} |`))
    .map((line) =>
      line
        .split('|')
        .slice(2, -1)
        .map((cell) => cell.trim()),
    )
}
